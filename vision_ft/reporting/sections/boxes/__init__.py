"""Sections of the report about boxes."""
