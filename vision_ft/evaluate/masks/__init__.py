"""Masks: areas and boundaries, predictions files, summaries."""
