"""The drawing of masks and boxes under its earlier name; it lives in `vision_ft.drawing`."""

from __future__ import annotations

from vision_ft.drawing import PALETTE as PALETTE
from vision_ft.drawing import background_of as background_of
from vision_ft.drawing import class_colour as class_colour
from vision_ft.drawing import draw_boxes as draw_boxes
from vision_ft.drawing import paint_mask as paint_mask
from vision_ft.drawing import rgb as rgb
