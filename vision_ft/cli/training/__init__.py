"""Verbs that train: `train` and `adapt`."""
