"""Each task brings its predictor, and a new one its writer with it: `vision-ft predict` knows none by name."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import vision_ft as vf
from vision_ft.cli.predict import run as command
from vision_ft.deploy.options import Options
from vision_ft.deploy.predictor import ImagePredictor
from vision_ft.deploy.writers.table import TableWriter
from vision_ft.errors import ModelError, RecipeError
from vision_ft.tasks import TASKS
from vision_ft.types import ClassSpace, Preprocessing, Task
from vision_ft.wiring import predictor as wiring

READING = Preprocessing((3, 8, 8), 1.0, "squash", "bilinear", (0.0,) * 3, (1.0,) * 3)


def test_every_task_has_a_predictor_that_takes_known_options():
    assert set(TASKS) == set(get_args(Task))
    known = {field.name for field in dataclasses.fields(Options)}
    for name, task in TASKS.items():
        assert task.predictor.task == name
        assert set(task.predictor.takes) <= known
        assert task.predictor.batch_size >= 1


@dataclass(frozen=True)
class ValuePrediction:
    path: str
    value: float

    @property
    def scores(self) -> dict[str, float]:
        return {"light": self.value}


class ValuePredictor(ImagePredictor[ValuePrediction]):
    """A task that the package does not know: the brightness of an image."""

    task = "brightness"
    takes = ()
    batch_size = 4

    @classmethod
    def from_saved(cls, model, *, classes, preprocessing, extra, device="cpu") -> ValuePredictor:
        return cls(model, classes=classes, preprocessing=preprocessing, device=device)

    def writer(self) -> TableWriter[ValuePrediction]:
        return TableWriter(self.task, ("value",), lambda found: [f"{found.value:.2f}"], self.classes.names)

    def _forward(self, images: torch.Tensor, _options: Options) -> Iterable[float]:
        return self.model(images).mean(dim=(1, 2, 3)).tolist()

    def _join(self, view, outputs, _options: Options) -> ValuePrediction:
        (value,) = outputs
        return ValuePrediction(view.path, value)


@pytest.fixture
def new_task(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A model folder of the new task."""
    monkeypatch.setitem(TASKS, "brightness", dataclasses.replace(TASKS["classification"], predictor=ValuePredictor))
    loaded = (nn.Identity(), ClassSpace(("light",)), READING, {})
    monkeypatch.setattr(wiring, "load_model", lambda folder: loaded)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text(json.dumps({"vision_ft": {"task": "brightness"}}))
    for name, value in (("a.png", 255), ("b.png", 51)):
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(tmp_path / "photos" / name)
    return tmp_path


def test_a_new_task_is_loaded_predicted_and_written_by_its_own_predictor(new_task):
    asked = command.Asked(out=new_task / "p.csv")
    assert command.run(str(new_task / "run"), str(new_task / "photos"), asked) == 0
    text = (new_task / "p.csv").read_text()
    assert text.splitlines() == ["path,value,score_light", "a.png,1.00,1", "b.png,0.20,0.2"]
    assert isinstance(vf.load(new_task / "run"), ValuePredictor)


def test_what_a_feed_cannot_follow_and_nothing_can_draw_is_refused(new_task):
    asked = command.Asked(out=new_task / "o", feed=command.FeedOptions(annotate=True))
    text = "a feed follows states, masks or boxes; a model for brightness gives none"
    with pytest.raises(RecipeError, match=text):
        command.run(str(new_task / "run"), str(new_task / "photos"), asked)


def test_a_task_that_is_not_known_is_named(new_task):
    (new_task / "run" / "config.json").write_text(json.dumps({"vision_ft": {"task": "keypoints"}}))
    with pytest.raises(ModelError, match='its task is "keypoints"; known are classification, multilabel'):
        vf.load(new_task / "run")
