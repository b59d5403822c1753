"""What is different on the new camera: in words, as distances, in pixel statistics and in class shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vision_ft.reporting.collect.adapted import ends, mapping, number, records, texts
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import Section, View, percent

MAX_CLASSES = 20
MAX_LAYERS = 30
KINDS = {
    "none": "No shift seen",
    "lighting": "Looks like lighting",
    "picture": "Looks like another kind of image",
    "labels": "Other class shares",
}
WIDEST = 3.0  # standard deviations that fill half of a bar


def _build(run: RunView) -> View | None:
    shift = mapping(run.adaptation.get("shift"))
    if not shift:
        return None
    sentence = shift.get("sentence") or ""
    batchnorm = mapping(shift.get("batchnorm"))
    return {
        "kind": KINDS.get(str(shift.get("kind")), ""),
        "sentence": sentence,
        "sentences": [text for text in texts(shift.get("sentences")) if text != sentence],
        "cards": [card for card in _cards(shift) if card["big"]],
        "pixels": _pixels(shift),
        "classes": _classes(mapping(shift.get("prior"))),
        "estimated": bool(mapping(shift.get("prior")).get("estimated")),
        "class_distance": number(mapping(shift.get("prior")).get("distance")),
        "max_classes": MAX_CLASSES,
        "layers": _layers(batchnorm),
    }


def _cards(shift: Mapping[str, Any]) -> list[dict[str, str]]:
    p_value = number(mapping(shift.get("kernel_distance")).get("p_value"))
    chance = "" if p_value is None else f"p = {p_value:.3f}" if p_value >= 0.001 else "p < 0.001"
    return [
        _auc_card("Cameras told apart by features", shift.get("domain_auc")),
        _auc_card("… by pixel statistics alone", shift.get("pixel_auc")),
        _card("Kernel distance of features", _plain(shift.get("kernel_distance")), chance, "MMD², 0 for equal sets"),
        _card(
            "Removed by matching colour",
            _removed(shift.get("matched_share")),
            "",
            "of the kernel distance goes when mean and contrast of each channel are matched",
        ),
        _card("Fréchet distance of features", _plain(shift.get("frechet")), "", "grows when images are few"),
        _card("BatchNorm distance", _plain(mapping(shift.get("batchnorm")).get("mean")), "", "mean of the layers"),
    ]


def _auc_card(label: str, value: Any) -> dict[str, str]:
    auc, interval = number(value), ends(mapping(value).get("low"), mapping(value).get("high"))
    big = "" if auc is None else f"{auc:.2f}"
    between = f"{interval[0]:.2f}–{interval[1]:.2f}" if interval else ""
    return _card(label, big, between, "AUC: 0.5 is guessing, 1 is always right")


def _card(label: str, big: str, interval: str, meaning: str) -> dict[str, str]:
    return {"label": label, "big": big, "interval": interval, "meaning": meaning}


def _plain(value: Any) -> str:
    found = number(value)
    return "" if found is None else f"{found:.3g}".replace("-", "−")


def _removed(value: Any) -> str:
    """A share; matching can also drive the cameras apart, then nothing is removed."""
    found = number(value)
    if found is None:
        return ""
    return percent(found, 0) if found >= 0.005 else "nothing"


def _level(value: Any) -> str:
    found = number(value)
    return "" if found is None else f"{found:.3f}".replace("-", "−")


def _pixels(shift: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows with the place of the bar in -1..1, the largest difference first."""
    rows = []
    for record in records(shift.get("pixels")):
        difference = number(record.get("difference"))
        rows.append(
            {
                "name": str(record.get("name", "")),
                "old": _level(record.get("old")),
                "new": _level(record.get("new")),
                "difference": "" if difference is None else f"{difference:+.1f}".replace("-", "−"),
                "place": None if difference is None else max(-1.0, min(1.0, difference / WIDEST)),
            }
        )
    return sorted(rows, key=lambda row: -abs(row["place"] or 0.0))


def _classes(prior: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Shares on both cameras, the largest change first."""
    old, new = mapping(prior.get("old")), mapping(prior.get("new"))
    names = sorted(dict.fromkeys([*old, *new]), key=lambda name: -_moved(old, new, name))
    return [{"class": name, "old": number(old.get(name)), "new": number(new.get(name))} for name in names[:MAX_CLASSES]]


def _moved(old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> float:
    return abs((number(new.get(name)) or 0.0) - (number(old.get(name)) or 0.0))


def _layers(batchnorm: Mapping[str, Any]) -> list[tuple[str, str]]:
    layers = [(str(layer.get("name", "")), number(layer.get("distance"))) for layer in records(batchnorm.get("layers"))]
    return [(name, f"{distance:.3g}") for name, distance in layers if distance is not None][:MAX_LAYERS]


SECTION = Section("shift", "What is different", "shift.html.j2", build=_build)
