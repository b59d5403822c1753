"""The audit of a data set: one scan of all files, and what it finds wrong."""
