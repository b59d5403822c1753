"""COCO JSON: boxes and polygons."""
