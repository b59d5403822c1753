"""One preprocessing for files, PIL images and arrays."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import vision_ft as vf
from tests.pictures import draw_folder
from tests.runs import tiny_run
from vision_ft.errors import DataError, ModelError


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> vf.Run:
    data = draw_folder(tmp_path_factory.mktemp("data"))
    return tiny_run(data, tmp_path_factory.mktemp("runs") / "run", strategy__name="feature-extraction")


@pytest.fixture
def picture(tmp_path):
    draw_folder(tmp_path, classes=1, per_class=1)
    return tmp_path / "amber" / "000.png"


def test_a_path_a_pil_picture_and_an_array_get_the_same_answer(run, picture):
    model = vf.load(run.path)
    image = Image.open(picture)
    answers = model.predict([picture, str(picture), image, np.asarray(image)])
    assert len({answer.label for answer in answers}) == 1
    assert all(answer.scores == pytest.approx(answers[0].scores, abs=1e-6) for answer in answers)
    assert sum(answers[0].scores.values()) == pytest.approx(1.0, abs=1e-5)
    assert answers[0].score == max(answers[0].scores.values())


def test_one_picture_gives_a_list_of_one(run, picture):
    assert [answer.path for answer in vf.load(run.path).predict(picture)] == [str(picture)]


def test_calibrated_scores_keep_the_order(run, picture):
    model = vf.load(run.path)
    model.temperature = 3.0
    (plain,), (calibrated,) = model.predict(picture), model.predict(picture, calibrated=True)
    assert sorted(plain.scores, key=plain.scores.get) == sorted(calibrated.scores, key=calibrated.scores.get)
    assert calibrated.score < plain.score


@pytest.mark.parametrize("shape", [(4, 8, 8), (8, 8, 2), (8,)])
def test_an_array_of_another_shape_is_refused(run, shape):
    with pytest.raises(DataError, match=r"got an array of shape .* allowed: uint8 of shape \(H, W\)"):
        vf.load(run.path).predict([np.zeros(shape, dtype=np.uint8)])


def test_something_that_is_no_picture_is_refused(run):
    with pytest.raises(DataError, match="got a int; allowed: a path"):
        vf.load(run.path).predict([3])


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ModelError, match="no trained model here"):
        vf.load(tmp_path)
