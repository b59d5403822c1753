"""Verbs that write pages: `report` and `compare`."""
