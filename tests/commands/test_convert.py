"""`vision-ft convert` and `audit` on boxes and masks and `train` with the wrong task."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.annotated import box_table
from vision_ft import api
from vision_ft.cli import app
from vision_ft.data.formats import WRITERS
from vision_ft.errors import DataError, RecipeError


def test_convert_says_what_was_written_and_what_was_lost(tmp_path: Path) -> None:
    WRITERS["coco"](box_table(tmp_path / "source", outlines=True), tmp_path / "coco")
    done = CliRunner().invoke(app, ["convert", str(tmp_path / "coco"), str(tmp_path / "voc"), "--to", "voc"])
    assert done.exit_code == 0, done.output
    assert "4 pictures of 2 classes, 4 boxes: coco -> voc" in done.output
    assert "the format cannot hold outlines (polygons) of 4 objects." in done.output
    assert (tmp_path / "voc/Annotations/a.xml").is_file()


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    WRITERS["coco"](box_table(tmp_path / "source"), tmp_path / "coco")
    with pytest.raises(RecipeError, match='--to: "kitti" is no format to convert to; allowed: coco, voc'):
        api.convert(tmp_path / "coco", tmp_path / "out", to="kitti")
    with pytest.raises(RecipeError, match=r"data\.class_table is set, but the format coco does not take it"):
        api.convert(tmp_path / "coco", tmp_path / "out", to="voc", overrides=["data.class_table=x.csv"])
    with pytest.raises(DataError, match="no such folder or file"):
        api.convert(tmp_path / "cocos", tmp_path / "out", to="voc")


def test_audit_counts_what_is_wrong_with_boxes(tmp_path: Path) -> None:
    WRITERS["boxes_csv"](box_table(tmp_path / "source"), tmp_path / "set")
    file = tmp_path / "set" / "boxes.csv"
    good = CliRunner().invoke(app, ["audit", str(file)])
    assert good.exit_code == 0, good.output
    file.write_text(file.read_text().replace("5,6,25.25,21", "5,6,5,21"))
    bad = CliRunner().invoke(app, ["audit", str(file)])
    assert bad.exit_code == 1, bad.output
    assert "box-degenerate" in bad.output
    assert "4 usable pictures of 2 classes" in bad.output


def test_train_on_boxes_asks_for_the_task(tmp_path: Path) -> None:
    WRITERS["voc"](box_table(tmp_path / "source"), tmp_path / "voc")
    with pytest.raises(RecipeError, match=r"task: got classification, but .* holds boxes. Add --task detection"):
        api.finetune(tmp_path / "voc", out=tmp_path / "run")
