"""The worst mistakes: wrong, and sure of it."""

from __future__ import annotations

from vision_ft.reporting.collect.classified import ClassSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View


def _build(run: RunView, split: ClassSplit, pictures: ImageIndex) -> View:
    del run
    positions = pictures.positions(split.mistakes.tolist())
    return {
        "total": len(split.mistakes),
        "has_confidence": split.confidence is not None,
        "data": {"pictures": positions},
    }


SECTION = Section("mistakes", "Worst mistakes", "mistakes.html.j2", build_split=_build)
