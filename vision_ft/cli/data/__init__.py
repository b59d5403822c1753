"""Verbs about data sets: `audit`, `augment` and `convert`."""
