"""The pairs of classes that are confused most."""

from __future__ import annotations

from vision_ft.reporting.collect.classified import ClassSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View


def _build(run: RunView, split: ClassSplit, pictures: ImageIndex) -> View:
    del pictures
    position = {name: index for index, name in enumerate(run.classes)}
    back = {(true, predicted): number for true, predicted, number in split.summary["confusion"]}
    rows = []
    for pair in split.summary["confused_pairs"]:
        true, predicted = position[pair["true"]], position[pair["predicted"]]
        rows.append(pair | {"true_index": true, "predicted_index": predicted, "back": back.get((predicted, true), 0)})
    return {"pairs": rows}


SECTION = Section("pairs", "Most confused pairs", "pairs.html.j2", build_split=_build)
