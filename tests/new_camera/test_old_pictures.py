"""The old images: taken from the source run, given, moved or gone; and chains of cameras."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from tests.cameras import adapt_tiny, camera_of, candidate, draw_camera, findings_of, paths_of, table_of
from tests.runs import tiny_run
from vision_ft.errors import DataError


def contents(paths):
    return {path.read_bytes() for path in paths}


@pytest.fixture
def moved(tmp_path):
    """A run whose images were moved to another folder."""
    old = draw_camera(tmp_path / "old", seed=0, per_class=8)
    run = tiny_run(old, tmp_path / "run", strategy__name="feature-extraction").path
    return run, old.rename(tmp_path / "elsewhere")


def test_by_default_the_old_pictures_are_those_of_the_run_in_their_splits(source, new, tmp_path):
    run = adapt_tiny(source, new, tmp_path / "run")
    before, after = table_of(source), table_of(run.path)
    for split in ("train", "val", "test"):
        assert paths_of(after, camera="old", split=split) == {before.path(int(row)) for row in before.rows(split)}
    assert run.outcome["old"]["pictures"] == len(before)
    assert run.outcome["old"]["path"].endswith("data.parquet")


def test_kept_pictures_that_the_source_learned_from_stay_in_train(source, tmp_path, new):
    """Even where nothing else could be val: training images cannot measure forgetting."""
    before = table_of(source)
    keep = tmp_path / "keep"
    for row in before.rows("train"):
        target = keep / before.relative_path(int(row))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(before.path(int(row)), target)
    run = adapt_tiny(source, new, tmp_path / "alone", keep=keep)
    table = table_of(run.path)
    assert len(paths_of(table, camera="old", split="train")) == len(before.rows("train"))
    assert candidate(run, "head")["val"]["old"] is None
    assert "the old cameras have no labelled val images" in findings_of(run.path)
    fresh = draw_camera(tmp_path / "fresh", seed=9, per_class=10)
    for file in fresh.rglob("*.png"):
        shutil.copy(file, keep / file.parent.name / f"fresh{file.name}")
    run = adapt_tiny(source, new, tmp_path / "more", keep=keep, data__val=0.2, data__test=0.2)
    table = table_of(run.path)
    sides = {split: paths_of(table, camera="old", split=split) for split in ("train", "val", "test")}
    assert all(path.name.startswith("fresh") for path in sides["val"] | sides["test"])
    assert (len(sides["val"]), len(sides["test"])) == (6, 6), "shares of the images that the source never saw"
    assert run.outcome["old"]["path"] == str(keep)


def test_kept_pictures_keep_their_split_whatever_their_name(source, new, tmp_path):
    before = table_of(source)
    keep = tmp_path / "keep"
    known = {}
    for row in range(len(before)):
        target = keep / before.relative_path(row).replace("/", "/renamed")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(before.path(row), target)
        known[before.path(row).read_bytes()] = before.splits[row]
    run = adapt_tiny(source, new, tmp_path / "run", keep=keep)
    for split in ("train", "val", "test"):
        found = contents(paths_of(table_of(run.path), camera="old", split=split))
        assert found == {content for content, given in known.items() if given == split}


def test_kept_pictures_of_a_class_that_the_model_lacks_are_refused(source, new, tmp_path):
    keep = draw_camera(tmp_path / "keep", seed=3, classes=("amber", "green"))
    with pytest.raises(DataError, match=r"(?s)keep.*green"):
        adapt_tiny(source, new, tmp_path / "run", keep=keep)


def test_a_picture_of_the_new_camera_that_is_an_old_one_is_left_out_and_named(source, old, new, tmp_path):
    mixed = shutil.copytree(new, tmp_path / "mixed")
    shutil.copy(old / "amber" / "000.png", mixed / "amber" / "known.png")
    run = adapt_tiny(source, mixed, tmp_path / "run")
    assert run.outcome["new"]["pictures"] == 36
    assert "known-picture,amber/known.png,also among the old images; left out of NEW." in findings_of(run.path)
    table = table_of(run.path)
    assert not any(path.name == "known.png" for split in ("train", "val", "test")
                   for path in paths_of(table, camera="new", split=split))  # fmt: skip


def test_a_new_camera_of_old_pictures_only_is_refused(source, old, tmp_path):
    with pytest.raises(DataError, match="all 72 images are among those of the old cameras. NEW must be images that"):
        adapt_tiny(source, old, tmp_path / "run")


def test_the_second_camera_of_a_chain_keeps_both_before_it(source, new, tmp_path):
    first = adapt_tiny(source, new, tmp_path / "first", labels=12)
    third = draw_camera(tmp_path / "third", seed=7, per_class=10, dim=0.4)
    second = adapt_tiny(first.path, third, tmp_path / "second")
    before, after = table_of(first.path), table_of(second.path)
    for split in ("train", "val", "test", None):
        listed = {before.path(int(row)) for row in np.flatnonzero(before.splits == split)}
        assert paths_of(after, camera="old", split=split) == listed
    assert (camera_of(before) == "new").sum() == 36
    lineage = second.outcome["lineage"]
    assert [entry["run"] for entry in lineage] == [str(source), str(first.path), str(second.path)]
    assert [entry["decision"] for entry in lineage] == ["trained", first.recommended, second.recommended]
    assert lineage[:2] == first.outcome["lineage"]
    assert second.outcome["source"] == {"run": str(first.path), "name": "first", "model_hash": lineage[1]["model_hash"]}


def test_pictures_that_moved_are_found_below_the_data_root(moved, new, tmp_path):
    run, elsewhere = moved
    adapted = adapt_tiny(run, new, tmp_path / "out", data_root=elsewhere)
    assert adapted.outcome["old"]["pictures"] == 24
    assert adapted.outcome["old_missing"] is None


def test_without_old_pictures_the_report_says_so_and_what_needs_none_is_made(moved, new, tmp_path, with_report):
    run, _ = moved
    adapted = adapt_tiny(run, new, tmp_path / "out", strategy=["head", "full"], strategy__epochs=2)
    missing = adapted.outcome["old_missing"]
    assert missing.startswith("none of the 24 images of the source run exists below")
    assert missing.endswith("give them with --keep, or their new place with --data-root")
    assert adapted.outcome["old"] is None
    assert candidate(adapted, "full")["status"] == "done"
    assert candidate(adapted, "full")["test"]["old"] is None
    assert "none of the 24 images of the source run exists" in (tmp_path / "out" / "report.html").read_text()


def test_a_data_root_that_holds_none_of_the_pictures_is_refused(moved, new, tmp_path):
    run, _ = moved
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: none of the 24 images of the source run lies here, such as amber/0"):
        adapt_tiny(run, new, tmp_path / "out", data_root=tmp_path / "empty")


def test_old_pictures_that_are_gone_or_changed_are_left_out_and_named(new, tmp_path):
    old = draw_camera(tmp_path / "old", seed=0, per_class=8)
    run = tiny_run(old, tmp_path / "run", strategy__name="feature-extraction").path
    (old / "amber" / "000.png").unlink()
    shutil.copy(new / "blue" / "000.png", old / "blue" / "000.png")
    (old / "crimson" / "000.png").write_bytes(b"broken")
    adapted = adapt_tiny(run, new, tmp_path / "out")
    assert adapted.outcome["old"]["pictures"] == 21
    findings = findings_of(adapted.path)
    assert "missing-file,amber/000.png" in findings
    assert "changed-file,blue/000.png" in findings
    assert "changed-file,crimson/000.png" in findings


def test_when_all_old_pictures_changed_there_are_none(new, tmp_path):
    old = draw_camera(tmp_path / "old", seed=0, per_class=8)
    run = tiny_run(old, tmp_path / "run", strategy__name="feature-extraction").path
    shutil.rmtree(old)
    draw_camera(tmp_path / "old", seed=4, per_class=8)
    adapted = adapt_tiny(run, new, tmp_path / "out")
    assert adapted.outcome["old"] is None
    assert "all 24 images of the source run" in adapted.outcome["old_missing"]
