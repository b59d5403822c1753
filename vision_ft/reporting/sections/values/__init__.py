"""Sections of the report about predicted values."""
