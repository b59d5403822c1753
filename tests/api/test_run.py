"""A run shows its numbers, tables and figures, and says what it has not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vision_ft as vf
from vision_ft.errors import DataError, RecipeError
from vision_ft.evaluate.classification.predictions import Predictions, write_predictions

CLASSES = ("007", "<b>bold</b>", "none")
TARGETS = (0, 0, 0, 1, 1, 2)
PREDICTED = (0, 0, 1, 1, 2, 2)
SCORES = (0.9, 0.8, 0.7, 0.6, 0.95, 0.5)  # of the predicted class
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "runs_of_0_1"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> vf.Run:
    """Six test images: the fifth is wrong with 95%, the third with 70%."""
    folder = tmp_path_factory.mktemp("runs") / "birds & <i>"
    scores = np.full((6, 3), 0.0, np.float32)
    for row, (predicted, score) in enumerate(zip(PREDICTED, SCORES, strict=True)):
        scores[row] = (1 - score) / 2
        scores[row, predicted] = score
    paths = [f"{row}.png" for row in range(6)]
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / path)
    (folder / "predictions").mkdir()
    predictions = Predictions(CLASSES, paths, np.array(TARGETS), np.array(PREDICTED), scores)
    write_predictions(folder / "predictions" / "test.parquet", predictions)
    numbers = {"accuracy": 4 / 6, "accuracy_interval": [0.3, 0.9], "macro_f1": 0.65, "n": 6}
    (folder / "metrics.json").write_text(json.dumps({"task": "classification", "splits": {"test": numbers}}))
    epochs = [{"epoch": 1, "train_loss": 2.0, "val_loss": None}, {"epoch": 2, "train_loss": 1.0, "val_loss": 1.5}]
    (folder / "log.jsonl").write_text("\n".join(map(json.dumps, epochs)))
    made = vf.Run(folder)
    made.report()
    return made


def test_per_class_keeps_names_that_look_like_numbers(run):
    table = run.per_class()
    assert table.column("class").to_pylist() == list(CLASSES)
    assert table.column("support").to_pylist() == [3, 2, 1]
    assert table.column("recall").to_pylist() == pytest.approx([2 / 3, 1 / 2, 1])


def test_confusion_is_a_row_a_cell_that_is_not_zero(run):
    assert run.confusion().to_pylist() == [
        {"true": "007", "predicted": "007", "count": 2},
        {"true": "007", "predicted": "<b>bold</b>", "count": 1},
        {"true": "<b>bold</b>", "predicted": "<b>bold</b>", "count": 1},
        {"true": "<b>bold</b>", "predicted": "none", "count": 1},
        {"true": "none", "predicted": "none", "count": 1},
    ]


def test_mistakes_come_most_confident_first(run):
    table = run.mistakes()
    assert table.column("path").to_pylist() == ["4.png", "2.png"]
    assert table.column("confidence").to_pylist() == pytest.approx([0.95, 0.7])
    assert table.column("true").to_pylist() == ["<b>bold</b>", "007"]


def test_history_has_a_row_an_epoch(run):
    assert run.history().to_pydict() == {"epoch": [1, 2], "train_loss": [2.0, 1.0], "val_loss": [None, 1.5]}


@pytest.mark.parametrize("name", ["confusion", "per_class", "learning_curves"])
def test_a_plot_is_a_figure_with_axes(run, name):
    assert len(run.plot(name).axes) >= 1


def test_the_plot_of_the_confusion_writes_each_count_into_its_cell(run):
    texts = [text.get_text() for text in run.plot("confusion").axes[0].texts]
    assert sorted(texts) == ["1", "1", "1", "1", "2"]


def test_an_unknown_plot_names_the_nearest_and_all(run):
    with pytest.raises(RecipeError, match=r'"confusoin".*"confusion".*Allowed: confusion, per_class, learning_curves'):
        run.plot("confusoin")


def test_a_split_that_is_not_there_is_said(run):
    with pytest.raises(DataError, match=r'no predictions of split "val"; it has: test\.$'):
        run.per_class("val")


def test_repr_says_task_numbers_with_interval_and_report(run):
    text = repr(run)
    assert "task: classification" in text
    assert "test: accuracy 66.7% (30.0% to 90.0%), macro-F1 65.0%, 6 images" in text
    assert str(run.path / "report.html") in text


def test_the_html_of_a_run_escapes_what_comes_from_its_folder(run):
    shown = run._repr_html_()
    assert "accuracy 66.7%" in shown
    assert "<i>" not in shown
    assert "birds &amp; &lt;i&gt;" in shown


def test_a_folder_that_is_no_run_is_shown_without_an_error(tmp_path):
    assert "not finished" in repr(vf.Run(tmp_path))
    assert "not finished" in vf.Adaptation(tmp_path)._repr_html_()


def test_an_adaptation_shows_the_recommended_model_and_the_decision(tmp_path):
    decision = {"passed": True, "recommended": "full", "sentence": "Full <fine-tuning> gains 3 points."}
    (tmp_path / "adaptation.json").write_text(json.dumps({"decision": decision}))
    assert "recommended: full" in repr(vf.Adaptation(tmp_path))
    assert "Full &lt;fine-tuning&gt; gains" in vf.Adaptation(tmp_path)._repr_html_()


@pytest.fixture(scope="module")
def old_run(tmp_path_factory):
    """A copy of a run that version 0.1 left behind, with its report made."""
    made: dict[str, vf.Run] = {}

    def of(name: str) -> vf.Run:
        if name not in made:
            folder = tmp_path_factory.mktemp("old") / Path(name).name
            shutil.copytree(FIXTURES / name, folder)
            with pytest.raises(DataError, match=r"tables beside the report are missing; Run\.report\(\) makes them"):
                vf.Run(folder).per_class()
            made[name] = vf.Run(folder)
            made[name].report()
        return made[name]

    return of


@pytest.mark.parametrize("name", ["dense/segmentation", "dense/detection"])
def test_masks_and_boxes_have_tables_too(old_run, name):
    run = old_run(name)
    classes = run.per_class().column("class").to_pylist()
    assert {cell["true"] for cell in run.confusion().to_pylist()} <= {*classes, "no object"}
    worst = run.mistakes()
    assert worst.num_rows == run.metrics["splits"]["test"]["n"]
    assert len(run.plot("per_class").axes) == 1
    assert len(run.plot("confusion", split="val").axes) == 2
    assert run.table().num_rows > worst.num_rows


def test_a_task_without_a_matrix_says_so_in_a_sentence(old_run):
    with pytest.raises(DataError, match=r"this task is no matrix of classes"):
        old_run("labels/multilabel").confusion()
    with pytest.raises(DataError, match=r"no table confusion; it has: .*confusion_1.*per_class"):
        old_run("labels/multitask").confusion()
    assert old_run("labels/multilabel").per_class().column("class").to_pylist() == ["amber", "blue"]
