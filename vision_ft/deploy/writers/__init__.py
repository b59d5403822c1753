"""Writers of predictions: tables, masks and boxes, with copies of the images that show them."""
