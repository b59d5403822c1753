"""Sections of the report about a run that was adapted to a new camera."""
