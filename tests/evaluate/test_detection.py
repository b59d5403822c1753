"""Average precision against pycocotools and a slow reference, thresholds, intervals and the summary."""

from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy.special import expit, logit

from tests.evaluate.boxes import chosen, drawn, drawn_picture, picture, predictions_of, square
from vision_ft.evaluate.boxes.curves import hits_at
from vision_ft.evaluate.boxes.summary import BOX_METRICS, best_thresholds, summarise_boxes, worst_first
from vision_ft.evaluate.intervals import wilson

CLEAN = {"crowds": 0.0, "decimals": 9}
STATS = {"map": 0, "map50": 1, "map75": 2, "map_small": 3, "map_medium": 4, "map_large": 5, "mar100": 8}


def coco_eval(predictions, *, limit: int = 100) -> COCOeval:
    """The whole of pycocotools, used as its own demonstration does."""
    truths, found = [], []
    for row in range(len(predictions)):
        for box, label, crowd in zip(
            predictions.target_boxes[row].astype(float).tolist(),
            predictions.target_labels[row].tolist(),
            predictions.ignored[row].tolist(),
            strict=True,
        ):
            size = [box[2] - box[0], box[3] - box[1]]
            one = {"image_id": row, "category_id": label, "bbox": [*box[:2], *size], "area": size[0] * size[1]}
            truths.append({**one, "iscrowd": int(crowd), "id": len(truths) + 1})
        for box, label, score in zip(
            predictions.boxes[row].astype(float).tolist(),
            predictions.labels[row].tolist(),
            predictions.scores[row].astype(float).tolist(),
            strict=True,
        ):
            placed = [*box[:2], box[2] - box[0], box[3] - box[1]]
            found.append({"image_id": row, "category_id": label, "bbox": placed, "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        categories = [{"id": label} for label in range(len(predictions.classes))]
        coco.dataset = {
            "images": [{"id": row} for row in range(len(predictions))],
            "info": {},
            "categories": categories,
        }
        coco.dataset["annotations"] = truths
        coco.createIndex()
        evaluator = COCOeval(coco, coco.loadRes(found), "bbox")
        evaluator.params.maxDets = [1, 10, limit]
        evaluator.evaluate()
        evaluator.accumulate()
        if limit == 100:  # it can say nothing else
            evaluator.summarize()
    return evaluator


@pytest.mark.parametrize(("seed", "decimals"), [(0, 9), (1, 1), (2, 2), (3, 1)])
def test_metrics_equal_pycocotools_with_ties_crowds_and_empty_pictures(seed, decimals):
    predictions = drawn(seed, decimals=decimals)
    theirs = coco_eval(predictions)
    for name, place in STATS.items():
        assert BOX_METRICS[name].compute(predictions) == pytest.approx(theirs.stats[place], abs=1e-9), name
    precision = theirs.eval["precision"][:, :, :, 0, -1]  # (I, 101, K)
    rows = summarise_boxes(predictions, draws=2)["per_class"]
    for label, row in enumerate(rows[:3]):
        assert row["ap"] == pytest.approx(precision[:, :, label].mean(), abs=1e-6)
        assert row["ap50"] == pytest.approx(precision[0, :, label].mean(), abs=1e-6)
    assert (rows[3]["ap"], rows[3]["true"]) == (None, 0)
    assert (precision[:, :, 3] == -1).all()
    assert predictions.headline() == {name: BOX_METRICS[name].compute(predictions) for name in ("map", "map50")}


def test_the_drawn_sets_hold_what_the_parity_test_is_about():
    predictions = drawn(1, decimals=1)
    assert predictions.truth.ignored.any()
    assert np.bincount(predictions.labels[1]).max() > 100
    assert any(not len(labels) for labels in predictions.target_labels)
    assert 3 in predictions.found.labels
    assert 3 not in predictions.truth.labels


def slow_average_precision(predictions, label: int, threshold: float) -> float:
    """Precision and recall from the definitions, without numpy's help and without pycocotools."""

    def iou(a, b):
        shared = max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)
        return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)

    found, free = [], {}
    for row in range(len(predictions)):
        given = zip(predictions.boxes[row], predictions.scores[row], predictions.labels[row], strict=True)
        own = sorted((-float(score), row, box.tolist()) for box, score, of in given if of == label)
        found += own[:100]
        true = zip(predictions.target_boxes[row], predictions.target_labels[row], strict=True)
        free[row] = [box.tolist() for box, of in true if of == label]
    total, points, hits = sum(map(len, free.values())), [], 0
    for count, (_, row, box) in enumerate(sorted(found), start=1):
        best = max(free[row], key=lambda other: iou(box, other), default=None)
        if best is not None and iou(box, best) >= threshold:
            free[row].remove(best)
            hits += 1
        points.append((hits / total, hits / count))
    reached = [[precision for recall, precision in points if recall >= level / 100] for level in range(101)]
    return sum(max(values, default=0) for values in reached) / 101


def test_average_precision_equals_a_slow_reference_without_ties_and_crowds():
    predictions = drawn(5, **CLEAN)
    expected = [
        [slow_average_precision(predictions, label, threshold) for threshold in np.linspace(0.5, 0.95, 10)]
        for label in range(3)
    ]
    assert predictions.headline()["map"] == pytest.approx(np.mean(expected), abs=1e-6)
    assert predictions.headline()["map50"] == pytest.approx(np.mean(expected, axis=0)[0], abs=1e-6)


def test_average_precision_of_a_ghost_above_a_hit_is_a_half():
    predictions = predictions_of(picture([(square(150), 0.9, 0), (square(0), 0.8, 0)], [(square(0), 0)]))
    assert predictions.headline() == {"map": pytest.approx(0.5), "map50": pytest.approx(0.5)}


def test_a_weight_counts_a_picture_as_often_as_copies_of_it():
    predictions = drawn(4, pictures=8)
    weights = np.array([0, 2, 1, 3, 0, 1, 1, 2])
    copies = chosen(predictions, np.repeat(np.arange(8), weights))
    assert predictions.headline(weights) == pytest.approx(copies.headline(), abs=1e-12)


def test_weights_may_be_fractions_whose_sum_is_inexact():
    predictions = drawn(4, pictures=8)
    assert predictions.headline(np.full(8, 0.1)) == pytest.approx(predictions.headline(), abs=1e-9)
    perfect = picture([(square(0), 0.9, 0)], [(square(0), 0)])
    for count in range(3, 12):  # the recalls 0.1 + 0.1 + ... end a bit short of their total
        assert predictions_of(*[perfect] * count).headline(np.full(count, 0.1))["map"] == pytest.approx(1.0)


def test_what_lies_on_a_crowd_is_neither_hit_nor_miss():
    crowd = (square(0, side=200), 0, True)
    found = [(square(10), 0.9, 0), (square(60), 0.8, 0), (square(210, 210, 50), 0.7, 0)]
    predictions = predictions_of(picture(found, [crowd, (square(210, 210, 50), 0)]))
    assert predictions.headline()["map"] == pytest.approx(1.0)
    row = summarise_boxes(predictions)["per_class"][0]
    assert (row["true"], row["predicted"], row["precision"], row["recall"]) == (1, 1, 1.0, 1.0)


def test_nothing_is_printed(capsys):
    drawn(0, pictures=3).headline()
    assert capsys.readouterr() == ("", "")


def test_the_best_threshold_lies_between_the_last_hit_worth_having_and_the_next_score():
    found = [(square(0), 0.9, 0), (square(110), 0.6, 0), (square(0, 150, 60), 0.4, 0)]
    predictions = predictions_of(picture(found, [(square(0), 0), (square(110), 0)]))
    assert best_thresholds(predictions) == pytest.approx([0.5, 0.5])
    assert best_thresholds(predictions_of(picture(found[:2], [(square(0), 0), (square(110), 0)])))[0] == pytest.approx(
        0.3
    )


def test_equal_scores_are_not_cut_apart():
    found = [(square(0), 0.6, 0), (square(0, 150, 60), 0.6, 0), (square(110), 0.2, 0)]
    assert best_thresholds(predictions_of(picture(found, [(square(0), 0)])))[0] == pytest.approx(0.4)


def test_of_equal_f1_the_highest_threshold_is_taken():
    ghosts = [(square(200), 0.7, 0), (square(200, 200), 0.6, 0)]
    found = [(square(0), 0.9, 0), *ghosts, (square(110), 0.5, 0)]  # F1 2/3, 1/2, 2/5, 2/3
    assert best_thresholds(predictions_of(picture(found, [(square(0), 0), (square(110), 0)])))[0] == pytest.approx(0.8)


def test_a_class_without_a_true_box_or_without_a_hit_has_one_half():
    ghosts = picture([(square(0), 0.9, 0), (square(150), 0.8, 1)], [(square(0), 1)])
    assert best_thresholds(predictions_of(ghosts)).tolist() == [0.5, 0.5]
    assert best_thresholds(predictions_of(picture())).tolist() == [0.5, 0.5]


def test_no_other_threshold_has_a_better_f1():
    predictions = drawn(7, decimals=2)
    best = best_thresholds(predictions)
    for label, matches in enumerate(predictions.matches()[:3]):
        others = [hits_at(matches, threshold).f1 for threshold in np.linspace(0, 1, 201)]
        assert hits_at(matches, best[label]).f1 == max(others) > min(others)


def test_worst_pictures_come_first_then_the_lower_f1_and_pictures_without_boxes_last():
    hit, ghost = (square(0), 0.9, 0), (square(150), 0.9, 0)
    loose = (square(45), 0.9, 0)  # IoU 55 / 145
    predictions = predictions_of(
        picture(),
        picture([hit], [(square(0), 0)]),
        picture([hit, ghost], [(square(0), 0)]),
        picture([ghost], []),
        picture([ghost, (square(0, 150), 0.9, 1)], []),
        picture([loose], [(square(0), 0)]),
    )
    assert worst_first(predictions).tolist() == [4, 3, 2, 5, 1, 0]


def summary_of_two_classes(**changes):
    first = picture(
        [(square(0), 0.9, 0), (square(150), 0.8, 0), (square(0, 150), 0.3, 1)], [(square(0), 0), (square(0, 150), 1)]
    )
    second = picture([(square(0), 0.7, 1)], [(square(0), 0)])
    return summarise_boxes(predictions_of(first, second, **changes))


def test_a_summary_can_be_followed_by_hand():
    summary = summary_of_two_classes(thresholds=[0.5, 0.6])
    assert (summary["n"], summary["boxes"], summary["ignored"]) == (2, 3, 0)
    a, b = summary["per_class"]
    assert (a["true"], a["predicted"], a["precision"], a["recall"], a["f1"]) == (2, 2, 0.5, 0.5, 0.5)
    assert (b["true"], b["predicted"], b["precision"], b["recall"], b["f1"]) == (1, 1, 0.0, 0.0, 0.0)
    assert summary["thresholds"] == {"a": 0.5, "b": 0.6}
    assert summary["confusion"] == [[1, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert summary["errors"] == {
        **{"localisation": 0, "class": 1, "both": 0, "duplicate": 0, "background": 1, "missed": 1}
    }
    assert summary["per_picture"]["f1"] == [0.5, 0.0]
    assert summary["per_picture"]["errors"][1]["class"] == 1
    assert a["ap50"] == pytest.approx(51 / 101, abs=1e-6)  # one of two found: the recalls 0 to 0.50
    assert b["ap50"] == pytest.approx(0.5)  # below the one that is of class a
    assert summary["curves"][0]["precision"][50:52] == [1.0, 0.0]
    assert summary["errors_ap50"]["missed"] == 0.0  # below the threshold, but found: nothing to gain in AP


def test_a_summary_is_json_and_the_same_each_time():
    predictions = drawn(3, pictures=10, groups=["x", None] * 5)
    text = json.dumps(summarise_boxes(predictions, draws=20), allow_nan=False)
    assert json.dumps(summarise_boxes(predictions, draws=20), allow_nan=False) == text
    assert json.dumps(summarise_boxes(predictions, draws=20, seed=1), allow_nan=False) != text


def test_a_group_has_the_numbers_of_its_pictures_alone():
    predictions = drawn(3, pictures=10, groups=["x", "y", None, "x", "y"] * 2)
    groups = summarise_boxes(predictions, draws=1)["by_group"]
    alone = summarise_boxes(chosen(predictions, [0, 3, 5, 8]), draws=1)
    assert list(groups) == ["x", "y"]
    assert groups["x"] == {name: alone[name] for name in ("n", "boxes", "map", "map50")}
    assert summarise_boxes(drawn(3, pictures=2), draws=1)["by_group"] == {}


def test_intervals_hold_the_value_and_are_narrower_for_more_pictures():
    few, many = drawn(8, pictures=10), drawn(8, pictures=80)
    widths = []
    for predictions in (few, many):
        summary = summarise_boxes(predictions, draws=60)
        low, high = summary["map50_interval"]
        assert 0 <= low < summary["map50"] < high <= 1
        ends = summary["per_class"][0]["ap_interval"]
        assert ends[0] < summary["per_class"][0]["ap"] < ends[1]
        widths.append(high - low)
    assert widths[1] < widths[0]


def test_intervals_turn_the_percentiles_of_the_draws_about_the_value():
    """The plain percentiles lie too high, as average precision does."""
    predictions = drawn(9, pictures=30)
    rng, value = np.random.default_rng(5), predictions.headline()["map"]
    draws = [predictions.headline(rng.multinomial(30, np.full(30, 1 / 30)))["map"] for _ in range(800)]
    plain_low, plain_high = np.percentile(draws, [2.5, 97.5])
    low, high = summarise_boxes(predictions, draws=800)["map_interval"]
    assert (low, high) == pytest.approx(expit(2 * logit(value) - logit([plain_high, plain_low])), abs=0.008)
    assert abs(low - plain_low) > 0.016


def test_a_faultless_set_has_the_interval_of_a_proportion_of_its_pictures():
    perfect = picture([(square(0), 0.9, 0), (square(150), 0.9, 1)], [(square(0), 0), (square(150), 1)])
    summary = summarise_boxes(predictions_of(*[perfect] * 10), draws=20)
    assert summary["map_interval"] == pytest.approx([float(wilson(10, 10)[0]), 1.0], abs=1e-6)


def test_too_few_pictures_give_no_interval():
    perfect = picture([(square(0), 0.9, 0)], [(square(0), 0)])
    summary = summarise_boxes(predictions_of(*[perfect] * 4, *[picture()] * 9), draws=20)
    assert (summary["map"], summary["map_interval"]) == (1.0, [None, None])


def test_whole_groups_are_drawn_where_there_are_eight():
    good, bad = picture([(square(0), 0.9, 0)], [(square(0), 0)]), picture([], [(square(0), 0)])
    pictures = ([good] * 5 + [bad] * 5) * 4
    together = summarise_boxes(predictions_of(*pictures, groups=[f"g{row // 5}" for row in range(40)]), draws=100)
    apart = summarise_boxes(predictions_of(*pictures), draws=100)
    assert (together["interval_over"], apart["interval_over"]) == ("groups", "pictures")
    widths = [np.ptp(summary["map_interval"]) for summary in (together, apart)]
    assert widths[0] > 1.5 * widths[1]


@pytest.mark.parametrize("pictures", [0, 3])
def test_a_set_without_any_box_has_no_numbers_and_no_errors(pictures):
    summary = summarise_boxes(predictions_of(*[picture()] * pictures), draws=3)
    assert (summary["n"], summary["map"], summary["map_interval"]) == (pictures, None, [None, None])
    assert (summary["curves"], set(summary["errors"].values())) == ([], {0})
    assert summary["per_picture"]["f1"] == [None] * pictures
    assert summary["confusion"] == [[0] * 3] * 3


def crowd_of(count: int, *, scores: tuple[float, float] = (0.9, 0.6)) -> dict:
    """An image full of small squares, each found exactly."""
    squares = [square(12 * (row % 25), 12 * (row // 25), side=10) for row in range(count)]
    found = [(box, score, 0) for box, score in zip(squares, np.linspace(*scores, count), strict=True)]
    return picture(found, [(box, 0) for box in squares])


def test_a_picture_with_more_than_100_objects_of_a_class_can_be_answered_without_a_mistake():
    summary = summarise_boxes(predictions_of(crowd_of(150), crowd_of(3)), draws=2)
    row = summary["per_class"][0]
    assert (summary["map"], summary["mar100"]) == (pytest.approx(1.0), pytest.approx(1.0))
    assert (row["true"], row["predicted"], row["recall"], row["precision"]) == (153, 153, 1.0, 1.0)
    assert summary["errors"]["missed"] == 0
    assert summary["confusion"][0][:1] == [153]
    assert set(summary["errors_ap50"].values()) == {0.0}


def test_thresholds_and_recall_take_the_boxes_beyond_the_100_best_and_average_precision_does_not():
    ghosts = [(square(250, 250, 3), 0.99, 0)] * 100
    few = crowd_of(60)
    few["boxes"] = np.concatenate([np.array([box for box, _, _ in ghosts], np.float32), few["boxes"]])
    few["scores"] = np.concatenate([np.full(100, 0.99), few["scores"]])
    few["labels"] = np.zeros(160, np.int64)
    predictions = predictions_of(few)
    assert predictions.headline() == {"map": 0.0, "map50": 0.0}
    assert best_thresholds(predictions)[0] == pytest.approx(0.3)
    row = summarise_boxes(predictions, draws=2)["per_class"][0]
    assert (row["recall"], row["predicted"]) == (1.0, 160)


def test_a_picture_of_more_than_100_objects_is_judged_as_by_pycocotools_with_as_large_a_limit():
    rng = np.random.default_rng(0)
    full = drawn_picture(rng, num_classes=1, detections=320, truths=130, crowds=0.0, decimals=9)
    predictions = predictions_of(full, crowd_of(20), picture([(square(0), 0.7, 1)], [(square(0), 1)]))
    precision = coco_eval(predictions, limit=130).eval["precision"][:, :, :, 0, -1]
    assert predictions.headline()["map"] == pytest.approx(precision.mean(), abs=1e-9)
    assert predictions.headline()["map"] > coco_eval(predictions).stats[0] + 0.001
