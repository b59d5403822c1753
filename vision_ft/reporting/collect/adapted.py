"""What adaptation.json says of each candidate, as values that the sections, charts and tables of the report share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SOURCE = "source"  # the candidate that is the model before the adaptation
TOLERANCE = 1e-9  # a loss of exactly the limit is within it, whatever binary fractions make of it


@dataclass(frozen=True)
class CameraScore:
    """What a candidate reaches on the images of one camera; fractions, None where unknown.

    Attributes:
        n: labelled images that were scored.
        value: the metric of the decision.
        ends: its 95% interval.
        change: gain over the source model on the same images.
        change_ends: 95% interval of the change, from a paired bootstrap.
    """

    n: int | None = None
    value: float | None = None
    ends: tuple[float, float] | None = None
    change: float | None = None
    change_ends: tuple[float, float] | None = None


@dataclass(frozen=True)
class Candidate:
    """One model of the adaptation as the report shows it.

    Attributes:
        name: key of the candidate, such as "gradual-unfreeze".
        title: what people call it.
        old: on the test images of the old camera.
        new: on the test images of the new camera.
        verdict: what became of it, in words.
        level: "good", "bad", "skipped" or "" for the look of the verdict.
        record: its entry in adaptation.json.
    """

    name: str
    title: str
    old: CameraScore
    new: CameraScore
    verdict: str
    level: str
    record: Mapping[str, Any]

    @property
    def is_done(self) -> bool:
        """Whether the candidate was made and measured."""
        return bool(self.record.get("status", "done") == "done")


def number(value: Any) -> float | None:
    """Return a finite number, or the "value" of a mapping, else None."""
    if isinstance(value, Mapping):
        value = value.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def ends(low: Any, high: Any) -> tuple[float, float] | None:
    """Return an interval, None unless both of its ends are known."""
    first, last = number(low), number(high)
    return None if first is None or last is None else (first, last)


def mapping(value: Any) -> Mapping[str, Any]:
    """Return `value` where it is a mapping, else an empty one: null stands for "unknown" in adaptation.json."""
    return value if isinstance(value, Mapping) else {}


def records(value: Any) -> list[Mapping[str, Any]]:
    """Return the mappings of a list; [] for null."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    """Return the strings of a list that say something; [] for null."""
    return [item for item in value if isinstance(item, str) and item.strip()] if isinstance(value, list) else []


def has_old(adaptation: Mapping[str, Any]) -> bool:
    """Whether images of the old camera were there to measure what was forgotten."""
    return bool(mapping(adaptation.get("old")))


def metric_of(adaptation: Mapping[str, Any]) -> str:
    """Return the metric that the decision was made by."""
    return metric_in(mapping(adaptation.get("decision")))


def metric_in(document: Mapping[str, Any]) -> str:
    """Return the metric that a part of adaptation.json is measured in; files of 0.1 name none and mean the accuracy."""
    return str(document.get("metric") or "accuracy")


def limit_of(adaptation: Mapping[str, Any]) -> float | None:
    """Return the largest loss on the old camera that is allowed, as a fraction."""
    return number(mapping(adaptation.get("decision")).get("limit"))


def recommended_of(adaptation: Mapping[str, Any]) -> str:
    """Return the name of the recommended candidate."""
    return str(mapping(adaptation.get("decision")).get("recommended") or SOURCE)


def read_candidates(adaptation: Mapping[str, Any]) -> list[Candidate]:
    """Return the candidates in the order in which they were made."""
    metric = metric_of(adaptation)
    found = []
    for record in records(adaptation.get("candidates")):
        name = str(record.get("name", ""))
        old, new = (_score(record, camera, metric) for camera in ("old", "new"))
        verdict, level = _verdict(record, adaptation, old=old, new=new)
        found.append(Candidate(name, str(record.get("title") or name), old, new, verdict, level, record))
    return found


def validation_score(candidate: Candidate, camera: str, metric: str) -> CameraScore:
    """Return what a candidate reaches on a camera's validation images: the numbers that the choice was made on."""
    measured = mapping(mapping(candidate.record.get("val")).get(camera))
    size, change = number(measured.get("n")), number(mapping(candidate.record.get("val_change")).get(camera))
    return CameraScore(
        n=None if size is None else int(size),
        value=number(measured.get(metric)),
        change=None if candidate.name == SOURCE else change,
    )


def _score(record: Mapping[str, Any], camera: str, metric: str) -> CameraScore:
    measured = mapping(mapping(record.get("test")).get(camera))
    change = mapping(mapping(record.get("change")).get(camera))
    interval = measured.get(f"{metric}_interval")
    low, high = interval if isinstance(interval, Sequence) and len(interval) == 2 else (None, None)
    size = number(measured.get("n"))
    if record.get("name") == SOURCE:
        change = {}  # it is what the others are compared with
    return CameraScore(
        n=None if size is None else int(size),
        value=number(measured.get(metric)),
        ends=ends(low, high),
        change=number(change.get("value")),
        change_ends=ends(change.get("low"), change.get("high")),
    )


def _verdict(
    record: Mapping[str, Any], adaptation: Mapping[str, Any], *, old: CameraScore, new: CameraScore
) -> tuple[str, str]:
    name, is_passed = record.get("name"), bool(mapping(adaptation.get("decision")).get("passed"))
    if record.get("status", "done") != "done":
        return "Not run", "skipped"
    if name == recommended_of(adaptation):
        return ("Recommended", "good") if is_passed and name != SOURCE else ("Stays in use", "good")
    if name == SOURCE:
        return "Before", ""
    return _refusal(record, limit_of(adaptation), old=old, new=new) or (
        ("Within the limit", "") if has_old(adaptation) else ("Limit not judged", "")
    )


def _refusal(
    record: Mapping[str, Any], limit: float | None, *, old: CameraScore, new: CameraScore
) -> tuple[str, str] | None:
    if record.get("allowed") is False:
        return "Forgets too much", "bad"
    if limit is not None and old.change is not None and old.change < -limit - TOLERANCE:
        return "Over the limit on test", "bad"
    gain = new.change if new.change is not None else number(mapping(record.get("val_change")).get("new"))
    if gain is not None and gain <= 0:
        return "No gain", ""
    return None
