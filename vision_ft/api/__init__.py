"""The public functions, by verb."""
