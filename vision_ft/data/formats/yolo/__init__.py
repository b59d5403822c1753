"""YOLO text files: boxes."""
