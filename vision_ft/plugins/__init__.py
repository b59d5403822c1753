"""Entries of your own by name: registries, files given with --plugins, installed packages, and what a run remembers."""
