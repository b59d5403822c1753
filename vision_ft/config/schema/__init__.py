"""The schema of the recipe, by section."""
