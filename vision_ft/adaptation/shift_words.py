"""Say in words what a measured shift is: its kind, and sentences with the numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from vision_ft.adaptation.distances import MIN_IMAGES

Kind = Literal["none", "lighting", "picture", "labels"]

MAX_P_VALUE = 0.01
MIN_AUC = 0.6  # with thousands of images a test finds any difference; below this one it is too small to act on
# Measured on ResNet-18 features: 100% for gains, tints and haze, 38% for a gamma of 2.2 (another tone curve, which one
# gain a channel cannot undo), at most 14% between real cameras of other scenes, and for blur, flips and grey images.
MIN_MATCHED_SHARE = 0.3
MIN_SHARES_DISTANCE = 0.1  # one image in ten would have to change class
MIN_DIFFERENCE = 0.5  # old standard deviations: a medium effect (Cohen 1988, sec. 2.2)
MIN_CHANGE = 0.02  # five grey levels; less is not seen, however even the old camera's images are
NO_COLOUR, SOME_COLOUR = 0.01, 0.03  # saturation of a grey or infrared camera, and of one that has colour
MAX_WORDS = 3
LOOK_WORDS: Mapping[str, tuple[str, str]] = {  # lower, higher
    "brightness": ("darker", "brighter"),
    "contrast": ("flatter", "richer in contrast"),
    "warmth": ("bluer", "warmer"),
    "greenness": ("more purple", "greener"),
    "saturation": ("paler", "more colourful"),
    "sharpness": ("blurrier", "sharper"),
    "highlights": ("less pure white", "more pure white"),
    "shadows": ("less pure black", "more pure black"),
}
NOUNS = (*LOOK_WORDS["highlights"], *LOOK_WORDS["shadows"])  # images "have" these and "are" the others


def describe(shift: Mapping[str, Any]) -> tuple[Kind | None, list[str]]:
    """Return the kind of a shift and its sentences, the verdict first.

    Args:
        shift: what `vision_ft.adaptation.shift.measure_shift` measured.

    Returns:
        The kind, None where it cannot be told, and at least one sentence.
    """
    kind, verdict = _verdict(shift)
    details = (_auc_sentence, _looks_sentence, _size_sentence, _shares_sentence, _batchnorm_sentence, _limits_sentence)
    return kind, [verdict, *(sentence for detail in details if (sentence := detail(shift, kind)))]


def look_words(pixels: Sequence[Mapping[str, Any]], *, leave_out: Sequence[str] = ()) -> list[str]:
    """Words for how the new images look, such as "darker" and "bluer": the clearest three, the clearest first."""
    clear = [
        (abs(row["difference"]), LOOK_WORDS[row["name"]][int(row["new"] > row["old"])])
        for row in pixels
        if row["difference"] is not None
        and row["name"] not in leave_out
        and abs(row["difference"]) >= MIN_DIFFERENCE
        and abs(row["new"] - row["old"]) >= MIN_CHANGE
    ]
    return [word for _, word in sorted(clear, key=lambda item: -item[0])[:MAX_WORDS]]


def _verdict(shift: Mapping[str, Any]) -> tuple[Kind | None, str]:
    if shift["pictures"]["old"] is None:
        return None, "There are no old images, so the shift between the cameras was not measured."
    if shift["kernel_distance"] is None or shift["domain_auc"] is None:
        return None, (
            f"Too few images to measure the shift: {shift['pictures']['old']} of the old camera and "
            f"{shift['pictures']['new']} of the new one; at least {MIN_IMAGES} of each are needed."
        )
    if _looks_different(shift):
        return _kind_of_picture(shift)
    if _has_other_shares(shift):
        return "labels", (
            f"The images of both cameras look alike, but the class shares differ: {_largest_changes(shift['prior'])}."
        )
    if shift["domain_auc"]["low"] >= MIN_AUC:
        return "none", (
            "At most a small shift was found: a classifier tells the cameras apart, but the kernel distance between "
            f"them may be chance (p = {shift['kernel_distance']['p_value']:.2g})."
        )
    return "none", "No shift was found: the images of both cameras look alike to the model."


def _looks_different(shift: Mapping[str, Any]) -> bool:
    auc = shift["domain_auc"]
    return shift["kernel_distance"]["p_value"] <= MAX_P_VALUE and auc["value"] >= MIN_AUC and auc["low"] > 0.5


def _has_other_shares(shift: Mapping[str, Any]) -> bool:
    prior = shift["prior"]
    if prior["distance"] is None or prior["p_value"] is None:
        return False
    return prior["p_value"] <= MAX_P_VALUE and prior["distance"] >= MIN_SHARES_DISTANCE


def _kind_of_picture(shift: Mapping[str, Any]) -> tuple[Kind, str]:
    share = shift["matched_share"]
    if share is None:
        return "picture", (
            "The new camera takes another kind of image, or has other lighting: the two were not told apart, "
            "as no colour-matched images were measured."
        )
    if share >= MIN_MATCHED_SHARE:
        words = look_words(shift["pixels"], leave_out=("sharpness",))
        looks = f": the new camera's images {_looks(words)}" if words else ""
        return "lighting", (
            f"This looks like lighting{looks}. Matching brightness, contrast and colour removes {share:.0%} of the "
            "difference between the cameras."
        )
    removes = f"removes only {share:.0%} of" if share >= 0.005 else "does not reduce"
    return "picture", (
        f"This looks like another kind of image: matching brightness, contrast and colour {removes} the difference "
        "between the cameras."
    )


def _auc_sentence(shift: Mapping[str, Any], _kind: Kind | None) -> str:
    auc = shift["domain_auc"]
    if auc is None:
        return ""
    apart = f"A simple classifier on the model's features tells the cameras apart in {auc['value']:.0%} of pairs"
    pixel = shift["pixel_auc"]
    by_pixels = f", one on brightness, colour and sharpness alone in {pixel['value']:.0%}" if pixel else ""
    return f"{apart} ({auc['low']:.0%} to {auc['high']:.0%}){by_pixels}; 50% is guessing."


def _looks_sentence(shift: Mapping[str, Any], kind: Kind | None) -> str:
    """How the images look, unless the verdict said so; a camera without colour is always named."""
    looks = {row["name"]: row for row in shift["pixels"]}
    saturation = looks.get("saturation")
    if saturation and saturation["new"] < NO_COLOUR and (saturation["old"] or 1.0) >= SOME_COLOUR:
        return "The new camera's images have no colour: they are grey or infrared."
    told = tuple(name for name in LOOK_WORDS if name != "sharpness") if kind == "lighting" else ()
    words = look_words(shift["pixels"], leave_out=told)
    return f"The new camera's images {_looks(words)}." if words else ""


def _size_sentence(shift: Mapping[str, Any], kind: Kind | None) -> str:
    relative = (shift["kernel_distance"] or {}).get("relative")
    if relative is None or kind not in ("lighting", "picture"):
        return ""
    return f"To the model the cameras lie {relative:.2g} times as far apart as two classes of the old camera do."


def _shares_sentence(shift: Mapping[str, Any], kind: Kind | None) -> str:
    if kind == "labels":
        return "The shares of the new camera are estimated from scores." if shift["prior"]["estimated"] else ""
    if not _has_other_shares(shift):
        return ""
    changes = _largest_changes(shift["prior"])
    if shift["prior"]["estimated"]:
        return (
            f"The class shares seem to differ too: {changes}. They are estimated from scores, which other images "
            "can mislead."
        )
    return f"The class shares differ too: {changes}."


def _largest_changes(prior: Mapping[str, Any]) -> str:
    changes = sorted(prior["old"], key=lambda name: -abs(prior["new"][name] - prior["old"][name]))[:MAX_WORDS]
    return ", ".join(f'"{name}" {prior["old"][name]:.0%} before and {prior["new"][name]:.0%} now' for name in changes)


def _batchnorm_sentence(shift: Mapping[str, Any], _kind: Kind | None) -> str:
    distance = (shift["batchnorm"] or {}).get("mean")
    if distance is None:
        return ""
    return f"The BatchNorm statistics of the backbone would change by {distance:.2f} on average over its layers."


def _limits_sentence(shift: Mapping[str, Any], _kind: Kind | None) -> str:
    """What makes the numbers weaker than they look."""
    if shift["domain_auc"] is None or shift["compared"] is None:
        return ""
    parts = []
    if shift["compared"]["matched_by"] is None:
        parts.append("the class shares could not be made equal, so that they count as a difference of the images")
    if shift["domain_auc"]["by"] == "pictures":
        parts.append("a camera has no groups, or one only, so that images of one moment may give each other away")
    return f"Mind that {_joined(parts)}." if parts else ""


def _looks(words: Sequence[str]) -> str:
    """Verbs before the words: "are darker and bluer, and have less pure white"."""
    adjectives, nouns = [word for word in words if word not in NOUNS], [word for word in words if word in NOUNS]
    parts = [f"{verb} {_joined(some)}" for verb, some in (("are", adjectives), ("have", nouns)) if some]
    return ", and ".join(parts)


def _joined(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
