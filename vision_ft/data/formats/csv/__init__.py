"""CSV index files: one label, several labels or boxes."""
