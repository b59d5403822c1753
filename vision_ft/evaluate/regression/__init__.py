"""Predicted values, such as counts or ages: metrics, predictions files, summaries."""
