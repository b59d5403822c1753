"""Sections of the report about multi-label and multi-task runs."""
