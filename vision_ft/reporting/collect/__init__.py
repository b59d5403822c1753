"""From a run folder to the values that the sections of the report read."""
