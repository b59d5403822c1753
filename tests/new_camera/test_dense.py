"""Adapting runs that answer with masks or boxes: both gates, what the folder holds, what is refused, and resuming."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import vision_ft as vf
from tests.cameras import Killed, camera_of, candidate, findings_of, hash_folder, outcome_without_time, table_of
from tests.cameras import weights_of as weights
from tests.dense_cameras import adapt_dense, draw_dense_camera, pictures_of, train_dense
from vision_ft.errors import DataError, ModelError, RecipeError
from vision_ft.evaluate.read import read_any_predictions
from vision_ft.new_camera import scoring

TASKS = ("segmentation", "detection")
DARK = (0.4, 0.5, 0.9)


@pytest.fixture(scope="module")
def cameras(tmp_path_factory) -> dict[str, Path]:
    """The old camera, and a new one in another light."""
    root = tmp_path_factory.mktemp("cameras")
    return {
        "old": draw_dense_camera(root / "old", seed=0),
        "new": draw_dense_camera(root / "new", seed=1, count=40, light=DARK),
    }


@pytest.fixture(scope="module")
def runs(cameras, tmp_path_factory):
    """A run of each task, trained on the old camera when it is first asked for; tests only read it."""
    root, made = tmp_path_factory.mktemp("runs"), {}

    def run_of(task: str) -> Path:
        if task not in made:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("VISION_FT_CACHE", str(root / "cache"))
                made[task] = train_dense(cameras["old"], task, root / f"lot-{task}").path
        return made[task]

    return run_of


@pytest.fixture(scope="module")
def adapted(cameras, runs, tmp_path_factory):
    """Both tasks adapted with a generous limit, when first asked for."""
    root, made = tmp_path_factory.mktemp("adapted"), {}

    def adaptation_of(task: str) -> vf.Adaptation:
        if task not in made:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("VISION_FT_CACHE", str(root / "cache"))
                made[task] = adapt_dense(
                    runs(task),
                    pictures_of(cameras["new"], task),
                    root / task,
                    strategy=["batchnorm", "entropy", "pseudo-labels", "head", "surgical"],
                    max_forgetting=0.99,
                    labels=24,
                )
        return made[task]

    return adaptation_of


@pytest.mark.parametrize("task", TASKS)
def test_a_gain_within_the_limit_ships_the_candidate_and_leaves_the_source_run_alone(task, adapted, runs):
    before = hash_folder(runs(task))
    run = adapted(task)
    metric, words = {"segmentation": ("miou", "mIoU"), "detection": ("map50", "mAP50")}[task]
    decision = run.outcome["decision"]
    assert (run.passed, decision["metric"], decision["exit_code"]) == (True, metric, 0), decision
    assert f"on held-out images {words} on the new camera" in decision["sentence"]
    chosen = candidate(run, run.recommended)
    assert weights(run.path) == weights(run.path / "candidates" / run.recommended) != weights(runs(task))
    change = chosen["change"]["new"]
    gain = chosen["test"]["new"][metric] - candidate(run, "source")["test"]["new"][metric]
    assert change["value"] == pytest.approx(gain, abs=2e-6)
    assert change["low"] <= change["value"] <= change["high"]
    low, high = chosen["test"]["old"][f"{metric}_interval"]
    assert low <= chosen["test"]["old"][metric] <= high
    assert hash_folder(runs(task)) == before


@pytest.mark.parametrize("task", TASKS)
def test_what_needs_one_label_a_picture_is_left_out_and_said(task, adapted):
    run = adapted(task)
    for name in ("entropy", "pseudo-labels"):
        assert candidate(run, name)["status"] == "skipped"
        assert candidate(run, name)["reason"] == f"it needs one label per image, and the task is {task}."
    assert candidate(run, "batchnorm")["status"] == "skipped"
    assert "got 28 images of the new camera; it needs at least 32" in candidate(run, "batchnorm")["reason"]
    assert [run.outcome[name] for name in ("budget", "honest_split")] == [None, None]
    assert run.outcome["shift"]["kind"] in ("lighting", "picture")
    assert run.outcome["shift"]["prior"]["distance"] is None
    alphas = [point["alpha"] for point in candidate(run, "head")["alphas"]]
    assert alphas == [0.0, 0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("task", TASKS)
def test_the_run_folder_is_that_of_a_run_whose_groups_are_the_cameras(task, adapted, runs):
    run = adapted(task)
    table = table_of(run.path)
    assert run.outcome["labels"] == {"budget": 24, "train": 17, "val": 7}
    assert run.outcome["new"]["labelled"] == 40
    for split in ("val", "test"):
        shipped = read_any_predictions(run.path / "predictions" / f"{split}.parquet")
        assert shipped.task == task
        assert set(shipped.groups) == {
            f"old: {runs(task).name}",
            "new: new" if task == "segmentation" else "new: boxes",
        }
        assert [name.split(":")[0] for name in shipped.groups] == list(camera_of(table)[shipped.ids])
    numbers = run.metrics["splits"]["test"]
    assert set(numbers["by_group"]) == set(shipped.groups)
    assert run.metrics["picture_size"] == [64, 64]
    if task == "segmentation":
        assert all((run.path / "predictions" / name).is_file() for name in shipped.masks)
    else:
        assert run.metrics["thresholds"].keys() == {"red", "blue"}
        assert run.metrics["thresholds"] == {
            name: pytest.approx(value, abs=1e-4) for name, value in zip(shipped.classes, shipped.cutoffs, strict=True)
        }


@pytest.mark.parametrize("task", TASKS)
def test_the_adapted_run_predicts_is_reported_and_compared_like_any_other(task, adapted, runs, cameras):
    run = adapted(task)
    (answer,) = run.load().predict(cameras["new"] / "images" / "00.png")
    assert (answer.mask.shape if task == "segmentation" else answer.boxes.shape[1:]) in ((64, 64), (4,))
    page = run.report().read_text()
    word = {"segmentation": "mIoU", "detection": "mAP50"}[task]
    assert f"{word} with 95% intervals" in page
    assert "Log loss" not in page
    assert "sure on average" in page
    assert f"lot-{task}" in page
    with pytest.raises(DataError, match="were tested on different images"):
        vf.compare(runs(task), run.path)


@pytest.mark.parametrize("task", TASKS)
def test_the_list_of_pictures_to_label_has_no_label_column_and_no_labelled_or_test_picture(task, adapted):
    run = adapted(task)
    rows = list(csv.DictReader((run.path / "to_label.csv").read_text().splitlines()))
    assert list(rows[0]) == ["path", "score", "rank", "reason"]
    assert len(rows) == 4, "of 28 images outside test, 24 labels are used"
    assert all(0.5 <= float(row["score"]) <= 1 for row in rows)
    table = table_of(run.path)
    known = {
        table.relative_path(int(row)).rsplit("/", 1)[1]
        for row in np.flatnonzero((camera_of(table) == "new") & (table.splits != None))  # noqa: E711 - elementwise
    }
    assert not known & {row["path"].rsplit("/", 1)[1] for row in rows}


@pytest.mark.parametrize("task", TASKS)
def test_a_gain_beyond_the_limit_is_refused_with_exit_code_3_and_ships_the_source(task, runs, tmp_path, monkeypatch):
    """What this camera calls red, the old one calls blue: who learns it forgets."""
    contrary = draw_dense_camera(
        tmp_path / "contrary", seed=1, count=40, names=("ground", "blue", "red"), values=(0, 2, 1)
    )
    monkeypatch.setattr(scoring, "ALPHAS", (0.0, 0.5, 1.0))  # every second one is looked at
    options = {"adapt__anchor": 0.0, "adapt__rehearsal": 0.0, "adapt__min_steps": 16}
    run = adapt_dense(runs(task), pictures_of(contrary, task), tmp_path / "run", **options)
    start, tuned = candidate(run, "head")["alphas"]
    assert (start["allowed"], tuned["allowed"]) == (True, False)
    assert tuned["new"] > start["new"]
    assert tuned["old"] < start["old"]
    assert (run.passed, run.recommended, run.outcome["decision"]["exit_code"]) == (False, "source", 3)
    assert run.outcome["decision"]["sentence"].startswith("Not passed")
    assert weights(run.path) == weights(runs(task))


def test_pictures_without_any_mask_are_looked_at_and_shift_their_batchnorm(cameras, runs, tmp_path):
    images, names = cameras["new"] / "images", ["batchnorm", "head"]
    run = adapt_dense(runs("segmentation"), images, tmp_path / "run", strategy=names, data__test=0.1)
    assert candidate(run, "batchnorm")["status"] == "done"
    assert candidate(run, "head")["reason"] == "no labelled image of the new camera to train on."
    assert run.outcome["new"]["labelled"] == 0
    assert run.outcome["decision"]["exit_code"] == 3
    assert "no labelled image of the new camera is left to choose on" in run.outcome["decision"]["sentence"]
    assert run.outcome["next_labels"]["count"] == 5
    moved = candidate(run, "batchnorm")["val"]["old"]["miou"]
    assert moved != candidate(run, "source")["val"]["old"]["miou"]


def test_folders_of_bare_pictures_are_places_and_no_labels(cameras, runs, tmp_path):
    for number, picture in enumerate(sorted((cameras["new"] / "images").iterdir())):
        folder = tmp_path / "bare" / f"camera{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, folder)
    run = adapt_dense(runs("segmentation"), tmp_path / "bare", tmp_path / "run", strategy="source")
    assert run.outcome["new"]["labelled"] == 0
    assert set(table_of(run.path).labels.tolist()) == {-1}


def test_pictures_that_lack_a_mask_stay_as_unlabelled_ones(cameras, runs, tmp_path):
    new = draw_dense_camera(tmp_path / "new", seed=2, count=16, light=DARK)
    for number in range(6):
        (new / "masks" / f"{number:02d}.png").unlink()
    run = adapt_dense(runs("segmentation"), new, tmp_path / "run", strategy="source")
    assert (run.outcome["new"]["pictures"], run.outcome["new"]["labelled"]) == (16, 10)
    assert "6 of 16 images of the new camera have no label" in findings_of(run.path)


def test_the_codes_of_masks_and_the_order_of_classes_are_matched_by_name(cameras, runs, tmp_path):
    turned = draw_dense_camera(tmp_path / "turned", seed=1, count=40, light=DARK)
    lines = (turned / "classes.csv").read_text().splitlines()
    (turned / "classes.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    numbers = [
        candidate(adapt_dense(runs("segmentation"), new, tmp_path / name, strategy="source"), "source")["test"]
        for name, new in (("plain", cameras["new"]), ("other", turned))
    ]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("task", TASKS)
def test_other_classes_are_refused_with_both_lists(task, runs, tmp_path):
    new = draw_dense_camera(tmp_path / "new", seed=1, count=10, names=("ground", "red", "green"))
    held = {
        "segmentation": r"masks are of the classes \['ground', 'red', 'green'\]",
        "detection": "boxes are of the cl",
    }
    message = held[task] + r".*the model knows \[.*'blue'.*\]\. Masks and boxes are adapted to with the same"
    with pytest.raises(DataError, match=message):
        adapt_dense(runs(task), pictures_of(new, task), tmp_path / "run")


def test_other_pixel_values_are_refused_with_both(runs, tmp_path):
    new = draw_dense_camera(tmp_path / "new", seed=1, count=10, values=(0, 100, 200))
    message = r"the masks hold 0 for 'ground', 100 for 'red', .*, those of the old cameras 0 for 'ground'.*ft convert"
    with pytest.raises(DataError, match=message):
        adapt_dense(runs("segmentation"), new, tmp_path / "run")


def test_what_cannot_be_meant_is_refused_by_name(cameras, runs, tmp_path):
    with pytest.raises(RecipeError, match="task: got segmentation, but .* holds boxes"):
        adapt_dense(runs("segmentation"), pictures_of(cameras["new"], "detection"), tmp_path / "a")
    with pytest.raises(RecipeError, match=r'adapt.metric: got "accuracy"; allowed for segmentation: auto, miou, dice'):
        adapt_dense(runs("segmentation"), cameras["new"], tmp_path / "b", adapt__metric="accuracy")
    with pytest.raises(ModelError, match="the task of its model is segmentation, but multilabel is to be adapted"):
        vf.adapt(runs("segmentation"), cameras["new"], out=tmp_path / "c", overrides={"task": "multilabel"})


def test_without_old_pictures_and_masks_nothing_could_be_measured(cameras, runs, tmp_path):
    alone = shutil.copytree(runs("segmentation"), tmp_path / "alone")
    (alone / "data.parquet").unlink()
    with pytest.raises(DataError, match="no val or test image of either camera has a known target"):
        adapt_dense(alone, cameras["new"] / "images", tmp_path / "run")


def test_a_job_killed_between_two_candidates_goes_on_to_the_same_end(cameras, runs, tmp_path):
    def kill(_outcome):
        raise Killed

    options = {"strategy": ["head"], "max_forgetting": 0.99}
    with pytest.raises(Killed):
        adapt_dense(runs("segmentation"), cameras["new"], tmp_path / "cut", on_candidate=kill, **options)
    assert json.loads((tmp_path / "cut" / "candidates" / "source" / "result.json").read_text())
    resumed = vf.adapt(tmp_path / "cut", resume=True)
    whole = adapt_dense(runs("segmentation"), cameras["new"], tmp_path / "whole", **options)
    assert weights(resumed.path) == weights(whole.path)
    assert outcome_without_time(resumed.path) == outcome_without_time(whole.path)
