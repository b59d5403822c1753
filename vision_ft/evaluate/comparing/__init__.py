"""Several runs on the same images: paired differences, tests, and the words for them."""
