"""`vision-ft convert` and `audit` on boxes and masks and `train` with the wrong task."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import vision_ft as vf
from tests.annotated import box_table, draw_pictures
from vision_ft.api.train import is_recipe
from vision_ft.cli.app import app
from vision_ft.data.formats import WRITERS
from vision_ft.errors import DataError, RecipeError


def test_convert_says_what_was_written_and_what_was_lost(tmp_path: Path) -> None:
    WRITERS["coco"](box_table(tmp_path / "source", outlines=True), tmp_path / "coco")
    done = CliRunner().invoke(app, ["convert", str(tmp_path / "coco"), str(tmp_path / "voc"), "--to", "voc"])
    assert done.exit_code == 0, done.output
    assert "4 images of 2 classes, 4 boxes: coco -> voc" in done.output
    assert "the format cannot hold outlines (polygons) of 4 objects." in done.output
    assert (tmp_path / "voc/Annotations/a.xml").is_file()


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    WRITERS["coco"](box_table(tmp_path / "source"), tmp_path / "coco")
    with pytest.raises(RecipeError, match='--to: "kitti" is no format to convert to; allowed: coco, voc'):
        vf.convert(tmp_path / "coco", tmp_path / "out", to="kitti")
    with pytest.raises(RecipeError, match=r"data\.class_table is set, but the format coco does not take it"):
        vf.convert(tmp_path / "coco", tmp_path / "out", to="voc", overrides=["data.class_table=x.csv"])
    with pytest.raises(DataError, match="no such folder or file"):
        vf.convert(tmp_path / "cocos", tmp_path / "out", to="voc")


def test_audit_counts_what_is_wrong_with_boxes(tmp_path: Path) -> None:
    WRITERS["boxes_csv"](box_table(tmp_path / "source"), tmp_path / "set")
    file = tmp_path / "set" / "boxes.csv"
    good = CliRunner().invoke(app, ["audit", str(file)])
    assert good.exit_code == 0, good.output
    file.write_text(file.read_text().replace("5,6,25.25,21", "5,6,5,21"))
    bad = CliRunner().invoke(app, ["audit", str(file)])
    assert bad.exit_code == 1, bad.output
    assert "box-degenerate" in bad.output
    assert "4 usable images of 2 classes" in bad.output


def test_train_on_boxes_asks_for_the_task(tmp_path: Path) -> None:
    WRITERS["voc"](box_table(tmp_path / "source"), tmp_path / "voc")
    with pytest.raises(RecipeError, match=r"task: got classification, but .* holds boxes. Add --task detection"):
        vf.finetune(tmp_path / "voc", out=tmp_path / "run")


def test_audit_lists_what_concerns_the_whole_set_besides_the_rest(tmp_path: Path) -> None:
    draw_pictures(tmp_path, [f"{name}.png" for name in "abcdef"])
    (tmp_path / "broken.png").write_bytes(b"no image")
    lines = ["path,cat,dog", *(f"{name}.png,{index % 2},0" for index, name in enumerate("abcdef")), "broken.png,1,0"]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    settings = ["task=multilabel", "data.label_columns=[cat,dog]"]
    command = ["audit", str(tmp_path / "labels.csv"), *settings, "--out", str(tmp_path / "audit")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1, result.output
    findings = (tmp_path / "audit" / "findings.csv").read_text()
    assert "empty-class" in findings
    assert "broken.png" in findings


def test_audit_of_only_broken_pictures_lists_them(tmp_path: Path) -> None:
    for name in ("cat/a.png", "dog/b.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"no image")
    result = CliRunner().invoke(app, ["audit", str(tmp_path)])
    assert result.exit_code == 1, result.output
    assert "0 usable images of 2 classes" in result.output
    assert "cat/a.png" in result.output
    assert "dog/b.png" in result.output


def test_the_data_yaml_of_a_yolo_set_is_data_and_no_recipe(tmp_path: Path) -> None:
    WRITERS["yolo"](box_table(tmp_path / "source"), tmp_path / "yolo")
    assert not is_recipe(tmp_path / "yolo" / "data.yaml")
    table, _ = vf.audit(tmp_path / "yolo" / "data.yaml")
    assert table.classes.names == ("cat", "dog")
    (tmp_path / "mine.yaml").write_text("data:\n  path: x\nrun:\n  names: 3\n")
    assert is_recipe(tmp_path / "mine.yaml")


def test_augment_draws_what_is_left_of_boxes_that_training_would_mend(tmp_path: Path) -> None:
    WRITERS["boxes_csv"](box_table(tmp_path / "source"), tmp_path / "set")
    file = tmp_path / "set" / "boxes.csv"
    file.write_text(file.read_text().replace("5,6,25.25,21", "5,6,5,21"))
    command = ["augment", str(file), "task=detection", "--size", "32", "--out", str(tmp_path / "grid.png")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "box-degenerate" in result.output
    assert (tmp_path / "grid.png").is_file()
