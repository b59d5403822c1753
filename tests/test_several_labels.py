"""Several labels per image from the CSV file to predictions, report and the next run, on drawn discs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import vision_ft as vf
from tests.labelled import COLUMNS, draw_discs, label_run
from vision_ft.cli.predict import run as predict_command
from vision_ft.data.several_labels import label_matrix
from vision_ft.data.table import SampleTable
from vision_ft.engine import loop
from vision_ft.engine.checkpoint import LAST, load_state
from vision_ft.errors import DataError, ModelError, RecipeError, ResumeError
from vision_ft.evaluate.labels.predictions import read_column_predictions, read_label_predictions
from vision_ft.models.assemble import build_model
from vision_ft.models.backbone import create_backbone

TASKS = ("multilabel", "multitask")
every_task = pytest.mark.parametrize("task", TASKS)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return draw_discs(tmp_path_factory.mktemp("discs"))


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory) -> dict[str, vf.Run]:
    folder = tmp_path_factory.mktemp("runs")
    recipe = {
        "strategy__name": "full",
        "strategy__epochs": 8,
        "optim__lr": 0.005,
        "strategy__options": {"head_epochs": 3},
    }
    return {task: label_run(data, folder / task, task, **recipe) for task in TASKS}


def test_labels_are_learnt_and_the_numbers_are_those_of_the_predictions(runs):
    metrics = runs["multilabel"].metrics
    assert metrics["task"] == "multilabel"
    assert metrics["splits"]["test"]["map"] > 0.9
    made = read_label_predictions(runs["multilabel"].path / "predictions" / "test.parquet")
    assert metrics["thresholds"] == dict(zip(made.classes, made.thresholds.tolist(), strict=True))
    right = (made.predicted == (made.targets == 1)).all(axis=1).mean()
    assert metrics["splits"]["test"]["subset_accuracy"] == pytest.approx(right, abs=1e-6)


def test_columns_are_learnt_though_labels_are_missing(runs):
    metrics = runs["multitask"].metrics
    hue, count = metrics["splits"]["test"]["columns"]
    assert (hue["name"], count["name"]) == tuple(COLUMNS)
    assert hue["accuracy"] > 0.8
    table = SampleTable.read(runs["multitask"].path / "data.parquet")
    assert (label_matrix(table)[:, 1] == -1).sum() == 9
    made = read_column_predictions(runs["multitask"].path / "predictions" / "test.parquet")
    assert count["missing"] == (made.targets[:, 1] == -1).sum()
    assert metrics["temperatures"] == made.temperatures.tolist()


@every_task
def test_a_loaded_model_answers_as_the_run_did(task, runs, data):
    read = read_label_predictions if task == "multilabel" else read_column_predictions
    made = read(runs[task].path / "predictions" / "test.parquet")
    predictor = runs[task].load()
    answers = predictor.predict([data.parent / path for path in made.paths])
    found = np.array([list(answer.scores.values()) for answer in answers])
    np.testing.assert_allclose(found, made.scores, atol=2e-5)
    for row, answer in enumerate(answers):
        if task == "multilabel":
            assert set(answer.labels) == {
                name for name, yes in zip(made.classes, made.predicted[row], strict=True) if yes
            }
            assert [answer.scores[name] for name in answer.labels] == sorted(
                (answer.scores[name] for name in answer.labels), reverse=True
            )
        else:
            expected = [made.column(place) for place in range(2)]
            classes = [part.classes[part.predicted[row]] for part in expected]
            assert answer.columns == dict(zip(COLUMNS, classes, strict=True))
            assert answer.labels == tuple(classes)


def test_options_act_on_the_task_that_takes_them(runs, data):
    labels, columns = (runs[task].load() for task in TASKS)
    picture = data.parent / "000.png"
    assert set(labels.predict(picture, threshold=0.0)[0].labels) == {"amber", "blue"}
    assert labels.predict(picture, threshold=1.0)[0].labels == ()
    raw, calm = (columns.predict(picture, calibrated=calibrated)[0].scores for calibrated in (False, True))
    assert sum(value for name, value in calm.items() if name.startswith("hue=")) == pytest.approx(1.0)
    columns.temperatures = (2.0, 2.0)
    assert columns.predict(picture, calibrated=True)[0].scores != raw
    with pytest.raises(RecipeError, match="calibrated: a model for multilabel does not take it. Allowed: threshold"):
        labels.predict(picture, calibrated=True)
    with pytest.raises(RecipeError, match="threshold: a model for multitask does not take it. Allowed: calibrated"):
        columns.predict(picture, threshold=0.5)


@every_task
def test_predict_writes_labels_and_a_score_for_each(task, runs, data, tmp_path):
    asked = predict_command.Asked(out=tmp_path / "p.csv")
    assert predict_command.run(str(runs[task].path), str(data.parent / "000.png"), asked) == 0
    with (tmp_path / "p.csv").open(newline="") as stream:
        row = next(csv.DictReader(stream))
    answer = runs[task].load().predict(data.parent / "000.png")[0]
    if task == "multilabel":
        assert list(row) == ["path", "labels", "score_amber", "score_blue"]
        assert row["labels"] == ";".join(answer.labels)
    else:
        assert list(row)[:5] == ["path", "hue", "count", "score_hue=cold", "score_hue=warm"]
        assert (row["hue"], row["count"]) == answer.labels
    assert float(row[list(row)[-1]]) == pytest.approx(list(answer.scores.values())[-1], rel=1e-4)


@every_task
def test_labels_are_drawn_on_the_frames_of_a_feed(task, runs, data, tmp_path):
    asked = predict_command.Asked(out=tmp_path / "o", feed=predict_command.FeedOptions(annotate=True))
    assert predict_command.run(str(runs[task].path), str(data.parent / "000.png"), asked) == 0
    assert {"states.csv", "occupancy.csv", "occupancy.png", "annotated.jpg"} <= {
        file.name for file in (tmp_path / "o").iterdir()
    }


@every_task
def test_a_feed_of_whole_frames_says_what_predict_says(task, runs, data, tmp_path):
    files = sorted(data.parent.glob("*.png"))[:5]
    frames = tmp_path / "frames"
    frames.mkdir()
    for file in files:
        (frames / file.name).write_bytes(file.read_bytes())
    result = vf.watch(runs[task].path, frames, smooth=1, out=tmp_path / "o")
    with result.table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    predicted = runs[task].load().predict(files)
    if task == "multilabel":
        assert [set(filter(None, row["labels"].split(";"))) for row in rows] == [set(one.labels) for one in predicted]
        last = {name: int(name in predicted[-1].labels) for name in ("amber", "blue")}
    else:
        assert [(row["column"], row["state"]) for row in rows] == [
            pair for one in predicted for pair in one.columns.items()
        ]
        last = {name: int(name in {f"{k}={v}" for k, v in predicted[-1].columns.items()}) for name in result.counts}
    assert dict(result.counts) == last


@every_task
def test_the_report_shows_the_task_and_its_tables(task, runs):
    page = (runs[task].path / "report.html").read_text()
    data = json.loads(page.split('<script type="application/json" id="data">')[1].split("</script>")[0])
    if task == "multilabel":
        assert data["classes"] == ["no amber", "amber", "no blue", "blue"]
        assert "Confusion by label" in page
        assert "Labels taken for others" in page
    else:
        assert data["classes"][:2] == ["hue=cold", "hue=warm"]
        assert "Confusion by column" in page
        assert "2 label columns of 5 classes" in page
    test = data["splits"]["test"]
    folder = runs[task].path / "report"
    with (folder / "mistakes.csv").open(newline="") as stream:
        mistakes = list(csv.DictReader(stream))
    wrong = sum(number for true, predicted, number in test["confusion"]["cells"] if true != predicted)
    assert len(mistakes) == wrong == len(test["mistakes"]["pictures"])
    assert len(list(folder.glob("confusion*.csv"))) == (2 if task == "multilabel" else 4)
    assert runs[task].report().is_file()


@pytest.mark.parametrize(("task", "head"), [("multilabel", "mlp"), ("multitask", "cosine")])
def test_other_heads_serve_the_task_on_cached_features_of_a_backbone_that_stays(task, head, data, tmp_path):
    recipe = {"strategy__name": "feature-extraction", "strategy__epochs": 2, "model__head": head}
    run = label_run(data, tmp_path / "run", task, **recipe)
    model = run.load().model
    start = load_state(run.path / "checkpoints" / LAST)["model"]
    torch.manual_seed(0)  # the run's seed: the backbone as it was before training
    fresh = create_backbone("test_resnet", pretrained=False, image_size=32).model.state_dict()
    assert all(torch.equal(fresh[name], value) for name, value in model.backbone.model.state_dict().items())
    assert start.keys() == model.state_dict().keys()
    assert len(getattr(model.head, "heads", [])) == (2 if task == "multitask" else 0)
    assert run.metrics["splits"]["test"]["macro_f1"] is not None


class Killed(BaseException):
    """Stands for SIGKILL in a test of one process: nothing in the package may catch it."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "strategy", "loss"), [("multilabel", "full", "asymmetric"), ("multitask", "gradual-unfreeze", "auto")]
)
def test_a_killed_run_goes_on_bit_identical(task, strategy, loss, data, tmp_path, monkeypatch):
    recipe = {"strategy__name": strategy, "strategy__epochs": 2, "model__dropout": 0.2, "optim__loss": loss}
    recipe["strategy__options"] = {"head_epochs": 2}
    whole = label_run(data, tmp_path / "whole", task, **recipe)
    original = loop.TrainingRun.save
    saves = 0

    def counted(self, stage=None):
        nonlocal saves
        original(self, stage)
        saves += 1
        if saves == 4:  # two epochs of the head, its end, and one epoch that touches the backbone
            raise Killed

    monkeypatch.setattr(loop.TrainingRun, "save", counted)
    with pytest.raises(Killed):
        label_run(data, tmp_path / "cut", task, **recipe)
    label_run(data, tmp_path / "cut", task, resume=True, **recipe)
    first, second = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert whole.metrics["splits"] == vf.Run(tmp_path / "cut").metrics["splits"]


def test_a_label_that_changed_stops_a_resumed_run(tmp_path, monkeypatch):
    file = draw_discs(tmp_path / "data", count=30)

    def interrupt(*_arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(loop, "end_epoch", interrupt)
        with pytest.raises(Killed):
            label_run(file, tmp_path / "run", "multilabel", data__label_columns=["blue", "amber"])
    lines = file.read_text().splitlines()
    cells = lines[3].split(",")
    cells[2] = "" if cells[2] else "1"
    file.write_text("\n".join([*lines[:3], ",".join(cells), *lines[4:]]))
    with pytest.raises(ResumeError, match=r"changed since the run began, in \d+ images: 002.png"):
        label_run(file, tmp_path / "run", "multilabel", resume=True, data__label_columns=["blue", "amber"])


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"optim__imbalance": "sampler"}, '"sampler" draws images by their one label; the task is multilabel'),
        ({"augment__mixup": 0.2}, "augment.mixup and augment.cutmix mix single labels; the task is multilabel"),
        ({"strategy__options": {"solver": "convex"}}, '"convex" fits linear heads of classification.*multilabel'),
        ({"optim__metric": "accuracy"}, 'optim.metric: got "accuracy"; allowed: macro_f1, map'),
        ({"model__head": "fpn"}, '"fpn" is a head for segmentation, but the task is multilabel'),
    ],
)
def test_what_one_label_a_picture_is_for_is_refused(recipe, words, data, tmp_path):
    with pytest.raises(RecipeError, match=words):
        label_run(data, tmp_path / "run", "multilabel", **recipe)


@every_task
def test_runs_of_other_tasks_are_not_compared(task, runs, data, tmp_path):
    with pytest.raises(DataError, match=f"is a run of {task}, .* Give runs of one task"):
        vf.compare(runs[task].path, runs[next(one for one in TASKS if one != task)].path)


def test_label_columns_that_do_not_make_the_outputs_are_refused():
    backbone = create_backbone("test_resnet", pretrained=False, image_size=32)
    with pytest.raises(
        ModelError, match=r"model.head_args.columns: \[2, 2\] classes a column do not make the 5 outputs"
    ):
        build_model(backbone, "linear", 5, head_args={"columns": [2, 2]})
