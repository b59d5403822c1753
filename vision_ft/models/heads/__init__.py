"""The heads by the name a recipe gives them: one file and one line here each."""

from __future__ import annotations

from vision_ft.models.heads import cosine, faster_rcnn, fcos, fpn, linear, mlp, unet
from vision_ft.types import HeadSpec

HEADS: dict[str, HeadSpec] = {
    "linear": linear.SPEC,
    "mlp": mlp.SPEC,
    "cosine": cosine.SPEC,
    "fpn": fpn.SPEC,
    "unet": unet.SPEC,
    "fcos": fcos.SPEC,
    "faster-rcnn": faster_rcnn.SPEC,
}
