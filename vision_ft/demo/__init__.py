"""The package's own parking lots: labelled images drawn from a seed, so that a first run needs no download."""

from __future__ import annotations

from vision_ft.demo.draw import Frame, draw_dataset, draw_frame

__all__ = ["Frame", "draw_dataset", "draw_frame"]
