"""The public functions, one file a verb; `vision_ft` itself offers them by name."""
