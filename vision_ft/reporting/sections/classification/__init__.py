"""Sections of the report about one label per image."""
