"""One label per image: metrics, predictions files, confusion, predictions of other tools."""
