"""Masks and boxes for new images are those of the evaluation."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import vision_ft as vf
from tests.dense import CLASSES, draw_rectangles
from vision_ft.data.images.decode import decode
from vision_ft.errors import DataError, RecipeError
from vision_ft.evaluate.boxes.predictions import read_box_predictions
from vision_ft.evaluate.masks.predictions import read_mask_predictions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def large() -> Image.Image:
    picture, _, _ = draw_rectangles((200, 130), np.random.default_rng(3))
    return Image.fromarray(picture)


def test_masks_are_those_of_the_evaluation_pixel_for_pixel(mask_run, dense_data):
    stored = read_mask_predictions(mask_run / "predictions" / "test.parquet")
    answers = vf.load(mask_run).predict([dense_data / path for path in stored.paths], confidence=True)
    for answer, file, confidence in zip(answers, stored.masks, stored.confidence, strict=True):
        assert np.array_equal(answer.mask, np.asarray(Image.open(mask_run / "predictions" / file)))
        assert answer.mask.dtype == np.uint8
        assert float(answer.confidence.mean()) == pytest.approx(confidence, abs=1e-5)


def test_boxes_are_those_of_the_evaluation(box_run, dense_data):
    stored = read_box_predictions(box_run / "predictions" / "test.parquet")
    answers = vf.load(box_run).predict([dense_data / path for path in stored.paths], threshold=0)
    assert sum(len(answer.boxes) for answer in answers) > 0
    for answer, boxes, scores, labels in zip(answers, stored.boxes, stored.scores, stored.labels, strict=True):
        assert answer.boxes == pytest.approx(boxes, abs=1e-4)
        assert answer.box_scores == pytest.approx(scores, abs=1e-4)
        assert list(answer.box_labels) == [stored.classes[label] for label in labels]


def test_a_path_a_picture_and_an_array_get_the_same_mask_and_boxes(mask_run, box_run, dense_data):
    file = dense_data / "images" / "00.png"
    for run in (mask_run, box_run):
        answers = vf.load(run).predict([file, decode(file), np.asarray(decode(file))])
        assert [answer.path for answer in answers] == [str(file), "", ""]
        for answer in answers[1:]:
            assert np.array_equal(answer.mask, answers[0].mask) if run == mask_run else True
            assert np.array_equal(answer.boxes, answers[0].boxes) if run == box_run else True


def test_the_scores_of_a_mask_are_the_shares_of_its_classes(mask_run, dense_data):
    (answer,) = vf.load(mask_run).predict(dense_data / "images" / "01.png")
    assert answer.mask.shape == (60, 80)
    assert answer.scores == {name: pytest.approx((answer.mask == k).mean()) for k, name in enumerate(CLASSES)}
    assert answer.confidence is None


def test_saved_thresholds_filter_boxes_by_class_and_a_number_overrides_all(box_run, dense_data):
    file, model = dense_data / "images" / "00.png", vf.load(box_run)
    stored = json.loads((box_run / "model" / "config.json").read_text())["vision_ft"]["extra"]["thresholds"]
    assert model.thresholds == stored
    (everything,) = model.predict(file, threshold=0)
    limit = float(np.median(everything.box_scores))
    model.thresholds = {"blue": 2.0, "red": limit}
    wanted = [score >= limit and name == "red" for name, score in
              zip(everything.box_labels, everything.box_scores, strict=True)]  # fmt: skip
    (shown,) = model.predict(file)
    assert np.array_equal(shown.boxes, everything.boxes[wanted])
    assert 0 < sum(wanted) < len(wanted)


def test_a_large_picture_is_answered_in_tiles(mask_run, box_run, large):
    masks = vf.load(mask_run)
    (tiled,), (whole,), (by_side,) = (masks.predict(large, tile=tile) for tile in (None, False, 64))
    assert tiled.mask.shape == (130, 200)
    assert not np.array_equal(tiled.mask, whole.mask)
    assert np.array_equal(tiled.mask, by_side.mask), "training images are 64 x 64 in the middle"
    (boxes,) = vf.load(box_run).predict(large, threshold=0.05)
    assert (boxes.boxes >= 0).all()
    assert (boxes.boxes <= [200, 130, 200, 130]).all()
    assert list(boxes.box_scores) == sorted(boxes.box_scores, reverse=True)


def test_a_picture_of_one_tile_is_answered_bit_for_bit_as_a_whole(mask_run, box_run, dense_data):
    file = dense_data / "images" / "01.png"
    for run, options, names in (
        (mask_run, {"confidence": True}, ("mask", "confidence")),
        (box_run, {"threshold": 0.0}, ("boxes", "box_scores")),
    ):
        model = vf.load(run)
        (tiled,), (whole,) = model.predict(file, tile=80, **options), model.predict(file, tile=False, **options)
        for name in names:
            assert np.array_equal(getattr(tiled, name), getattr(whole, name))


def test_the_batch_size_and_neighbours_do_not_change_an_answer(mask_run, large, dense_data):
    model = vf.load(mask_run)
    queue = [large, dense_data / "images" / "00.png", large]
    for one, many in zip(model.predict(queue, batch_size=1), model.predict(queue, batch_size=5), strict=True):
        assert (one.mask != many.mask).mean() < 1e-3
        assert one.mask.shape == many.mask.shape


def test_broken_pictures_among_others_are_errors_in_their_place(mask_run, dense_data, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no")
    good, model = dense_data / "images" / "00.png", vf.load(mask_run)
    answers = list(model.predict_each([tmp_path / "broken.png", good, tmp_path / "none.png", good]))
    assert [isinstance(answer, DataError) for answer in answers] == [True, False, True, False]
    with pytest.raises(DataError, match=r"none.png: no such file"):
        model.predict([good, tmp_path / "none.png"])


def test_options_of_another_task_are_refused_before_a_picture_is_read(mask_run, box_run):
    with pytest.raises(RecipeError, match="calibrated: a model for segmentation does not take it. Allowed: tile, over"):
        vf.load(mask_run).predict("none.png", calibrated=True)
    with pytest.raises(RecipeError, match="threshold: a model for segmentation does not take it"):
        vf.load(mask_run).predict("none.png", threshold=0.5)
    with pytest.raises(RecipeError, match="confidence: a model for detection does not take it"):
        vf.load(box_run).predict("none.png", confidence=True)
