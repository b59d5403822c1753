"""Figures beside the page, drawn by matplotlib."""
