"""Sentences of a shift, from measured values that are written down here."""

from __future__ import annotations

import pytest

from vision_ft.adaptation.shift_words import describe, look_words


def look(name, old, new, difference):
    return {"name": name, "old": old, "new": new, "difference": difference}


def shift(**changes):
    measured = {
        "pictures": {"old": 100, "new": 80},
        "compared": {"old": 80, "new": 80, "matched_by": "labels"},
        "domain_auc": {"value": 0.97, "low": 0.94, "high": 0.99, "by": "groups"},
        "pixel_auc": {"value": 0.9, "low": 0.85, "high": 0.95, "by": "groups"},
        "kernel_distance": {"value": 0.04, "p_value": 0.002, "bandwidth": 20.0, "by": "groups", "relative": 0.42},
        "batchnorm": None,
        "prior": {"old": None, "new": None, "estimated": False, "distance": None, "p_value": None},
        "pixels": [],
        "matched_share": 0.1,
    }
    return {**measured, **changes}


def prior(*, estimated=False, p_value=0.002):
    return {
        "old": {"busy": 0.5, "free": 0.5},
        "new": {"busy": 0.9, "free": 0.1},
        "estimated": estimated,
        "distance": 0.4,
        "p_value": p_value,
    }


DARKER = look("brightness", 0.5, 0.3, -2.0)
BLUER = look("warmth", 0.1, -0.1, -3.0)
BLURRED = look("sharpness", 0.4, 0.2, -1.0)
LESS_WHITE = look("highlights", 0.5, 0.1, -1.5)
ALIKE = {
    "domain_auc": {"value": 0.52, "low": 0.45, "high": 0.58, "by": "groups"},
    "kernel_distance": {"value": 0.0, "p_value": 0.4, "bandwidth": 20.0, "by": "groups", "relative": 0.0},
    "matched_share": None,
}


def test_lighting_names_what_changed_and_tells_blur_apart():
    kind, sentences = describe(shift(matched_share=0.83, pixels=[DARKER, BLUER, BLURRED]))
    assert kind == "lighting"
    assert sentences[0] == (
        "This looks like lighting: the new camera's images are bluer and darker. Matching brightness, contrast and "
        "colour removes 83% of the difference between the cameras."
    )
    assert "The new camera's images are blurrier." in sentences


def test_another_kind_of_picture_tells_the_looks_after_the_verdict():
    kind, sentences = describe(shift(pixels=[DARKER, LESS_WHITE]))
    assert kind == "picture"
    assert sentences == [
        "This looks like another kind of image: matching brightness, contrast and colour removes only 10% of the "
        "difference between the cameras.",
        "A simple classifier on the model's features tells the cameras apart in 97% of pairs (94% to 99%), one on "
        "brightness, colour and sharpness alone in 90%; 50% is guessing.",
        "The new camera's images are darker, and have less pure white.",
        "To the model the cameras lie 0.42 times as far apart as two classes of the old camera do.",
    ]


@pytest.mark.parametrize("share", [0.0, -0.4])
def test_matching_that_does_not_help_is_not_given_a_share(share):
    assert "colour does not reduce the difference" in describe(shift(matched_share=share))[1][0]


def test_without_matched_pictures_lighting_cannot_be_told_apart():
    kind, sentences = describe(shift(matched_share=None))
    assert kind == "picture"
    assert "the two were not told apart, as no colour-matched images were measured" in sentences[0]


def test_class_shares_alone_are_told_as_such_and_are_added_to_other_shifts():
    kind, sentences = describe(shift(**ALIKE, prior=prior(estimated=True)))
    assert kind == "labels"
    assert sentences[0] == (
        "The images of both cameras look alike, but the class shares differ: "
        '"busy" 50% before and 90% now, "free" 50% before and 10% now.'
    )
    assert "The shares of the new camera are estimated from scores." in sentences
    counted, estimated = (describe(shift(prior=prior(estimated=flag)))[1][-1] for flag in (False, True))
    assert counted == 'The class shares differ too: "busy" 50% before and 90% now, "free" 50% before and 10% now.'
    assert estimated.startswith("The class shares seem to differ too")
    assert estimated.endswith("They are estimated from scores, which other images can mislead.")


def test_a_difference_of_shares_within_chance_is_not_told():
    assert describe(shift(**ALIKE, prior=prior(p_value=0.2)))[0] == "none"


def test_a_classifier_that_finds_what_the_kernel_test_does_not_is_a_small_shift():
    kind, sentences = describe(
        shift(**(ALIKE | {"domain_auc": {"value": 0.9, "low": 0.8, "high": 0.95, "by": "groups"}}))
    )
    assert kind == "none"
    assert sentences[0] == (
        "At most a small shift was found: a classifier tells the cameras apart, but the kernel distance between them "
        "may be chance (p = 0.4)."
    )


def test_a_significant_but_tiny_difference_is_no_shift():
    tiny = {"domain_auc": {"value": 0.55, "low": 0.53, "high": 0.57, "by": "groups"}}
    assert describe(shift(**tiny))[0] == "none"


def test_a_grey_camera_is_named():
    saturation = look("saturation", 0.2, 0.0, -2.0)
    sentences = describe(shift(pixels=[DARKER, saturation]))[1]
    assert "The new camera's images have no colour: they are grey or infrared." in sentences
    both_grey = describe(shift(pixels=[look("saturation", 0.005, 0.0, -2.0)]))[1]
    assert not any("no colour" in sentence for sentence in both_grey)


def test_looks_that_nobody_would_see_get_no_word_and_the_clearest_come_first():
    faint = look("contrast", 0.2, 0.19, -4.0)  # far in units of a very even old camera, but 2 grey levels
    common = look("saturation", 0.2, 0.26, 0.3)
    unknown = look("shadows", 0.0, 0.3, None)
    assert look_words([DARKER, faint, common, unknown, BLUER, BLURRED, LESS_WHITE]) == [
        "bluer",
        "darker",
        "less pure white",
    ]
