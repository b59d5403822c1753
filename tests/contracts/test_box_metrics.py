"""What every registered detection metric promises."""

from __future__ import annotations

import numpy as np
import pytest

from tests.evaluate.boxes import chosen, drawn, picture, predictions_of
from vision_ft.evaluate.boxes.predictions import BoxPredictions
from vision_ft.evaluate.boxes.summary import BOX_METRICS, summarise_boxes

DRAWN = drawn(0, pictures=12)
every_metric = pytest.mark.parametrize("name", BOX_METRICS)


def answered(predictions: BoxPredictions, labels) -> BoxPredictions:
    """The true boxes themselves as detections, with other labels."""
    return BoxPredictions(
        classes=predictions.classes,
        paths=predictions.paths,
        sizes=predictions.sizes,
        boxes=predictions.target_boxes,
        scores=[np.full(len(part), 0.9) for part in predictions.target_labels],
        labels=labels,
        target_boxes=predictions.target_boxes,
        target_labels=predictions.target_labels,
    )


@every_metric
def test_metric_is_a_share_that_the_order_of_pictures_does_not_change(name):
    value = BOX_METRICS[name].compute(DRAWN)
    assert 0 < value < 1
    shuffled = chosen(DRAWN, np.random.default_rng(0).permutation(len(DRAWN)))
    assert BOX_METRICS[name].compute(shuffled) == pytest.approx(value, abs=1e-12)


@every_metric
def test_perfect_answers_are_one_and_wrong_classes_are_less(name):
    perfect = answered(DRAWN, DRAWN.target_labels)
    wrong = answered(DRAWN, [(labels + 1) % 3 for labels in DRAWN.target_labels])
    assert BOX_METRICS[name].compute(perfect) == pytest.approx(1.0)
    assert BOX_METRICS[name].compute(wrong) < 0.2


@every_metric
def test_metric_without_a_true_box_is_nan(name):
    assert np.isnan(BOX_METRICS[name].compute(predictions_of(picture())))
    assert np.isnan(BOX_METRICS[name].compute(predictions_of()))


@every_metric
def test_metric_is_part_of_the_summary_and_says_what_it_means(name):
    assert summarise_boxes(DRAWN, draws=1)[name] == pytest.approx(BOX_METRICS[name].compute(DRAWN), abs=1e-6)
    assert BOX_METRICS[name].meaning
