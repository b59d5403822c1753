"""Sections of the report about masks."""
