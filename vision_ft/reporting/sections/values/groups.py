"""Errors of each camera, site or sequence, and of each target, most biased first."""

from __future__ import annotations

from vision_ft.evaluate.regression.slices import is_biased
from vision_ft.reporting.collect.values import ValueSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View

MAX_ROWS = 200


def _build(run: RunView, split: ValueSplit, pictures: ImageIndex) -> View | None:
    del run, pictures
    found = split.summary["by_group"]
    if not found:
        return None
    index = {name: k for k, name in enumerate(split.targets)}
    ends = {(row["group"], row["target"]): row for row in split.group_biases}
    rows = []
    for row in found:
        k = index[row["target"]]
        known = ends.get((row["group"], k), {"bias_interval": None})
        extra = {"index": k, "bias_interval": known["bias_interval"], "differs": is_biased(known)}
        rows.append(row | extra | {"scaled": abs(row["bias"]) / split.spread[k]})
    rows.sort(key=lambda row: -row["scaled"])
    return {"rows": rows[:MAX_ROWS], "left_out": max(0, len(rows) - MAX_ROWS), "several": len(split.targets) > 1}


SECTION = Section("groups", "Groups", "values_groups.html.j2", build_split=_build)
