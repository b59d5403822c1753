"""Arrays in, numbers with intervals out: metrics, calibration, slices and verdicts, without a model."""
