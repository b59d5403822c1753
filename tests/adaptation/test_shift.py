"""The whole measurement on synthetic cameras of known kind, and on degenerate ones."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vision_ft.adaptation.pixels import LOOK_NAMES, matching_transform, pixel_statistics
from vision_ft.adaptation.shift import DomainSample, measure_shift
from vision_ft.errors import DataError

CLASSES = ("busy", "free")


def embed(images):
    """Stand-in backbone: (N, 8) means of a 2 x 2 grid of luma, and of its edges."""
    luma = images.mean(axis=1)
    edges = np.abs(np.diff(luma, axis=2, append=luma[:, :, -1:]))
    halves = [part for value in (luma, edges) for rows in np.split(value, 2, 1) for part in np.split(rows, 2, 2)]
    return np.column_stack([half.mean(axis=(1, 2)) for half in halves]).astype(np.float32)


def camera(labels, *, seed, change=lambda images: images):
    """Images of free spaces (smooth) and busy ones (a bright half), as one camera sees them."""
    rng = np.random.default_rng(seed)
    labels = np.asarray(labels)
    images = rng.uniform(0.35, 0.65, (len(labels), 3, 1, 1)) + rng.normal(0, 0.03, (len(labels), 3, 8, 8))
    images[labels == 0, :, :, :4] += 0.2
    return np.clip(change(images), 0, 1)


def sample(images, labels, *, labelled=True, groups=None):
    right = np.eye(2)[np.asarray(labels)] * 0.9 + 0.05
    return DomainSample(
        embed(images), pixel_statistics(images), np.asarray(labels) if labelled else None, right, groups
    )


def measure(change=lambda images: images, *, new_labels=None, labelled=True, old_groups=None):
    old_labels = np.repeat([0, 1], 60)
    new_labels = old_labels if new_labels is None else new_labels
    old_images, new_images = camera(old_labels, seed=0), camera(new_labels, seed=1, change=change)
    old, new = sample(old_images, old_labels, groups=old_groups), sample(new_images, new_labels, labelled=labelled)
    match = matching_transform(old.pixels, new.pixels)
    rows = np.arange(0, len(new), 2)
    matched = embed(match(new_images[rows]))
    return measure_shift(old, new, classes=CLASSES, matched_features=matched, matched_rows=rows)


def test_two_samples_of_one_camera_show_no_shift():
    shift = measure()
    assert shift["kind"] == "none"
    assert shift["sentence"] == "No shift was found: the images of both cameras look alike to the model."
    assert shift["matched_share"] is None
    assert shift["kernel_distance"]["p_value"] > 0.01


def test_a_darker_camera_looks_like_lighting_and_matching_undoes_it():
    shift = measure(lambda images: 0.4 * images)
    assert shift["kind"] == "lighting"
    assert shift["matched_share"] > 0.9
    assert "darker" in shift["sentence"]
    assert shift["domain_auc"]["low"] > 0.9
    brightness = shift["pixels"][LOOK_NAMES.index("brightness")]
    assert brightness["new"] == pytest.approx(0.4 * brightness["old"], rel=0.05)
    assert brightness["difference"] < -2


def test_a_camera_that_sees_the_scene_mirrored_is_another_kind_of_picture():
    shift = measure(lambda images: images[..., ::-1])
    assert shift["kind"] == "picture"
    assert shift["matched_share"] < 0.3
    assert shift["kernel_distance"]["relative"] > 0.3


def test_other_class_shares_are_not_taken_for_other_pictures():
    shift = measure(new_labels=np.repeat([0, 1], [110, 20]))
    assert shift["kind"] == "labels"
    assert shift["compared"] == {"old": 80, "new": 80, "matched_by": "labels"}
    assert shift["prior"]["distance"] == pytest.approx(110 / 130 - 0.5, abs=1e-6)
    assert '"busy" 50% before and 85% now' in shift["sentence"]


def test_class_shares_of_an_unlabelled_camera_are_matched_by_predictions():
    shift = measure(new_labels=np.repeat([0, 1], [110, 20]), labelled=False)
    assert shift["kind"] == "labels"
    assert shift["compared"]["matched_by"] == "predictions"
    assert shift["prior"]["estimated"] is True
    assert shift["prior"]["new"]["busy"] == pytest.approx(0.85, abs=0.06)


def test_a_camera_with_no_class_in_common_is_compared_as_it_is_and_a_sentence_says_so():
    old, images = sample(camera([0] * 30, seed=0), [0] * 30), camera([1] * 30, seed=1)
    apart = measure_shift(old, sample(images, [1] * 30), classes=CLASSES)
    assert apart["compared"] == {"old": 30, "new": 30, "matched_by": None}
    assert "the class shares could not be made equal" in apart["sentences"][-1]


def test_the_result_is_plain_json_and_the_same_for_the_same_seed():
    shift = measure(lambda images: 0.6 * images)
    assert json.loads(json.dumps(shift, allow_nan=False)) == shift
    assert measure(lambda images: 0.6 * images) == shift


def test_groups_of_both_cameras_are_left_out_whole():
    days = np.array([f"day {row % 10}" for row in range(120)], object)
    days[:5] = None
    labels = np.repeat([0, 1], 60)
    old, new = (sample(camera(labels, seed=seed), labels, groups=days) for seed in (0, 1))
    assert measure_shift(old, new, classes=CLASSES)["domain_auc"]["by"] == "groups"
    assert len(set(old.group_ids)) == 15
    one_day = sample(camera(labels, seed=1), labels, groups=np.full(120, "day", object))
    shift = measure_shift(old, one_day, classes=CLASSES)
    assert shift["domain_auc"]["by"] == "pictures"
    assert "images of one moment may give each other away" in shift["sentences"][-1]


def test_without_old_pictures_only_the_new_camera_is_described():
    new = sample(camera([0, 1] * 10, seed=0), [0, 1] * 10)
    shift = measure_shift(None, new, classes=CLASSES, batchnorm_distance={"mean": 0.25, "layers": []})
    unknown = ("domain_auc", "pixel_auc", "kernel_distance", "frechet", "matched_share", "kind", "compared")
    assert {name: shift[name] for name in unknown} == dict.fromkeys(unknown)
    assert shift["prior"]["new"] == {"busy": 0.5, "free": 0.5}
    assert shift["pixels"][0]["old"] is None
    assert shift["pixels"][0]["new"] == pytest.approx(new.pixels[:, 0].mean(), abs=1e-6)
    assert shift["sentences"] == [
        "There are no old images, so the shift between the cameras was not measured.",
        "The BatchNorm statistics of the backbone would change by 0.25 on average over its layers.",
    ]


def test_five_pictures_are_too_few_and_the_sentence_says_how_many_are_needed():
    labels = np.repeat([0, 1], 20)
    old, new = sample(camera(labels, seed=0), labels), sample(camera([0, 1, 0, 1, 1], seed=1), [0, 1, 0, 1, 1])
    shift = measure_shift(old, new, classes=CLASSES)
    assert shift["kind"] is None
    assert shift["sentence"] == (
        "Too few images to measure the shift: 40 of the old camera and 5 of the new one; at least 8 of each are needed."
    )


def test_constant_features_and_one_class_give_no_shift_instead_of_a_failure():
    pixels = np.full((20, 14), 0.5)
    flat = DomainSample(np.ones((20, 4), np.float32), pixels, np.zeros(20, np.int64), np.tile([1.0, 0.0], (20, 1)))
    shift = measure_shift(flat, flat, classes=CLASSES, matched_features=flat.features)
    assert shift["kind"] == "none"
    assert (shift["domain_auc"]["value"], shift["frechet"]["value"], shift["matched_share"]) == (0.5, 0.0, None)
    assert [row["difference"] for row in shift["pixels"]] == [0.0] * len(LOOK_NAMES)


def test_only_a_sample_of_a_large_camera_enters_the_distances():
    labels = np.repeat([0, 1], 600)
    large = sample(camera(labels, seed=0), labels)
    shift = measure_shift(large, sample(camera(labels, seed=1), labels), classes=CLASSES)
    assert shift["compared"] == {"old": 1000, "new": 1000, "matched_by": "labels"}
    assert shift["pictures"] == {"old": 1200, "new": 1200}


def test_features_of_another_model_or_not_finite_ones_are_refused():
    labels = [0, 1] * 10
    good = sample(camera(labels, seed=0), labels)
    wide = DomainSample(np.zeros((20, 9), np.float32), good.pixels)
    with pytest.raises(
        DataError, match="the old camera have 9 numbers per image, those of the new camera 8. .*same model"
    ):
        measure_shift(wide, good, classes=CLASSES)
    broken = DomainSample(good.features.copy(), good.pixels)
    broken.features[3, 0] = np.nan
    with pytest.raises(DataError, match="the new camera: 1 of 20 images have values that are not finite.*audit"):
        measure_shift(good, broken, classes=CLASSES)
    with pytest.raises(DataError, match="after colour matching: 1 of 20"):
        measure_shift(good, good, classes=CLASSES, matched_features=broken.features)
