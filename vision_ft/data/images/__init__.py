"""Image files: decoding, sizes, colours."""
