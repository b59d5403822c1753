"""Pascal VOC XML: boxes."""
