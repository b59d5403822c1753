"""One training engine that runs any list of phases."""
