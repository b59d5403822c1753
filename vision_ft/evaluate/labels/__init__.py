"""Multi-label and multi-task predictions: metrics, files, summaries."""
