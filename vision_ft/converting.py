"""Convert a data set from one format to another, and say what the target cannot hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vision_ft.config.load import load_recipe
from vision_ft.data.formats import WRITERS, detect
from vision_ft.data.placement import Transfer, format_for
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError, RecipeError
from vision_ft.types import Finding
from vision_ft.wiring.data import read_table

Target = Literal["coco", "voc", "yolo", "masks", "csv", "imagefolder"]
TARGETS: tuple[Target, ...] = ("coco", "voc", "yolo", "masks", "csv", "imagefolder")


@dataclass(frozen=True)
class Conversion:
    """A finished conversion.

    Attributes:
        path: the new folder.
        source_format: format that was read.
        target_format: format that was written.
        table: what was read.
        findings: what the reader saw and what the target cannot hold (kind "not-held").
    """

    path: Path
    source_format: str
    target_format: str
    table: SampleTable
    findings: tuple[Finding, ...]


def convert(
    source: str | Path,
    out: str | Path,
    *,
    to: Target,
    transfer: Transfer = "copy",
    overrides: Sequence[str] = (),
) -> Conversion:
    """Read a data set and write it in another format into a new folder.

    Args:
        source: folder or file in any format that is read.
        out: a new or empty folder.
        to: "coco", "voc", "yolo", "masks", "csv" (of boxes, or of labels) or "imagefolder".
        transfer: "copy" the images, or "link" to them.
        overrides: recipe values that say how the source is read, such as "data.format=voc", "data.on_bad=drop", or
            "task=multilabel" for several labels per image.

    Raises:
        DataError: the source cannot be read, or the target cannot hold boxes, masks or labels at all.
        RecipeError: a format or key is unknown, or an option is set that the format does not take.
    """
    source, out = Path(source), Path(out)
    if to not in TARGETS:
        raise RecipeError(f'--to: "{to}" is no format to convert to; allowed: {", ".join(TARGETS)}.')
    if out.absolute() == source.absolute() or source.absolute() in out.absolute().parents:
        raise DataError(f"{out}: lies inside the source {source}, which is only read. Give another folder.")
    recipe = load_recipe(None, overrides, defaults={"data": {"path": str(source)}})
    name = detect(source) if recipe.data.format == "auto" else recipe.data.format
    table = read_table(recipe.data, task=recipe.task)
    target = format_for(table, to)
    losses = WRITERS[target](table, out, transfer=transfer)
    return Conversion(out, name, target, table, (*table.remarks, *losses))
