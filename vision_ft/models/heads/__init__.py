"""The heads by the name a recipe gives them: one file and one line here each."""

from __future__ import annotations

from vision_ft.models.heads import cosine, linear, mlp
from vision_ft.types import HeadSpec

HEADS: dict[str, HeadSpec] = {
    "linear": linear.SPEC,
    "mlp": mlp.SPEC,
    "cosine": cosine.SPEC,
}
