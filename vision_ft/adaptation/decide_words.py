"""The sentences of a decision: numbers in points, limits named, no adjectives."""

from __future__ import annotations

from collections.abc import Iterator

from vision_ft.evaluate.comparing.paired import Difference
from vision_ft.evaluate.names import METRIC_NAMES as METRIC_WORDS

OF_LABELS = ("accuracy", "macro_f1")  # one label per image, right or wrong, with a log loss
FIXED_DIGITS = 1  # of points: a tenth of a point is one image in a thousand


def points(fraction: float, *, signed: bool = False) -> str:
    """Return a fraction as points of a hundred, "1.0" or "+1.0"; never "-0.0"."""
    value = round(100 * fraction, FIXED_DIGITS) + 0.0
    return f"{value:+.{FIXED_DIGITS}f}" if signed else f"{value:.{FIXED_DIGITS}f}"


def say_change(change: float | None) -> str:
    """Return "gains 1.0 points", "loses 1.0 points", "stays the same" or "was not measured"."""
    if change is None:
        return "was not measured"
    if change != change:  # NaN
        return "gives no number"
    if points(change) == "0.0":
        return "stays the same"
    return f"{'gains' if change > 0 else 'loses'} {points(abs(change))} points"


def say_difference(difference: Difference) -> str:
    """Return "+1.0 points (-0.5 to +2.5)"; the ends are left out where too few images know them."""
    if difference.low != difference.low:
        return f"{points(difference.value, signed=True)} points"
    low, high = points(difference.low, signed=True), points(difference.high, signed=True)
    return f"{points(difference.value, signed=True)} points ({low} to {high})"


def caveats(
    *, old_pictures: int, new_pictures: int, limit: float, small: int, metric: str = "accuracy"
) -> Iterator[str]:
    """Yield what val cannot tell.

    Args:
        old_pictures: labelled val images of the old camera; 0 without any.
        new_pictures: the same of the new camera.
        limit: largest loss allowed on the old camera, as a fraction.
        small: below so many images, equal scores are common.
        metric: that decides.
    """
    if not old_pictures:
        yield "There are no labelled val images of the old camera: what a candidate forgets could not be judged."
    if metric not in OF_LABELS:
        if 0 < new_pictures < small:
            yield (
                f"The new camera has {new_pictures} val images: small differences in {METRIC_WORDS[metric]} between "
                "candidates are chance."
            )
        return
    if old_pictures and limit * old_pictures < 1:
        yield (
            f"The old camera has {old_pictures} val images: one mistake more is {points(1 / old_pictures)} points, "
            f"so the limit of {points(limit)} allows none in accuracy."
        )
    if 0 < new_pictures < small:
        yield (
            f"The new camera has {new_pictures} val images: one image is {points(1 / new_pictures)} points, "
            "so equal scores are decided by the log loss."
        )


def outcome(title: str, old: float | None, new: float | None, *, limit: float, allowed: bool) -> str:
    """Return what val says of one candidate; changes as fractions, None where they were not measured."""
    link = "and" if allowed else "but"
    end = "" if allowed else f": more than the limit of {points(limit)}" if old is not None else ": it is left out"
    return f"{title}: on val the new camera {say_change(new)}, {link} the old camera {say_change(old)}{end}."


def unmeasured(labels: int) -> str:
    """Return the sentence without labelled val images of the new camera."""
    return (
        "Not passed: no labelled image of the new camera is left to choose on, so no gain can be measured and the "
        f"source model stays. Label about {labels} of its images and run this again; to_label.csv lists which."
    )


def val_sentence(title: str, old: float | None, new: float | None, *, limit: float, metric: str) -> str:
    """Return the recommendation as val has it."""
    gain = f"{title} is recommended: on val its {METRIC_WORDS[metric]} on the new camera {say_change(new)}"
    if new is not None and points(new) == "0.0" and metric in OF_LABELS:
        gain += " with a lower log loss"
    if old is None:
        return f"{gain}. What it loses on the old camera was not measured."
    return f"{gain}, on the old camera it {say_change(old)}; a loss of {points(limit)} is allowed."


def test_sentence(title: str, *, old: Difference | None, new: Difference, limit: float, metric: str) -> str:
    """Return the recommendation as the held-out images have it, with 95% intervals."""
    gain = (
        f"{title} is recommended: on held-out images {METRIC_WORDS[metric]} on the new camera changes by "
        f"{say_difference(new)}"
    )
    if old is None:
        return f"{gain}. What it loses on the old camera was not measured."
    return f"{gain}, on the old camera by {say_difference(old)}; a loss of {points(limit)} is allowed."


def vetoes(*, old: Difference | None, new: Difference | None, limit: float, tolerance: float) -> Iterator[str]:
    """Yield why held-out images speak against a choice, as ends of a sentence that begins with its title."""
    if old is not None and not old.value >= -limit - tolerance:
        yield (
            f"changes the old camera by {say_difference(old)} on held-out images, "
            f"where a loss of {points(limit)} is allowed"
        )
    if new is not None and not new.value > tolerance:
        yield f"gains nothing on held-out images of the new camera ({say_difference(new)})"


def blocked(title: str, *, old: float, new: float, limit: float) -> str:
    """Return the sentence where candidates gain, but all of them forget too much; the mildest is named."""
    return (
        f"Not passed: every candidate that gains on the new camera loses more than {points(limit)} points on the old "
        f"one. The mildest, {title}, gains {points(new)} and loses {points(-old)}. The source model stays."
    )


def nothing_better(*, metric: str, perfect: bool, tried: bool) -> str:
    """Return the sentence where no candidate gains on the new camera."""
    if not tried:
        return "Not passed: no candidate could be made. The source model stays."
    if perfect:
        return (
            f"Not passed: the source model's {METRIC_WORDS[metric]} on the new camera's val images is 100% already, "
            "so nothing can be gained. The source model stays."
        )
    return (
        f"Not passed: no candidate has a better {METRIC_WORDS[metric]} on the new camera's val images than the "
        "source model. The source model stays."
    )
