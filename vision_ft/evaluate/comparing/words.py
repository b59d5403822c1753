"""The outcome of a comparison in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

from vision_ft.evaluate.scoring import MetricInfo


def points(value: float) -> str:
    """Return 0.021 as "2.1"; a value that rounds to zero has no sign."""
    text = f"{100 * value:.1f}"
    return "0.0" if text == "-0.0" else text


def p_text(value: float) -> str:
    """Return "p = 0.012", "p < 0.001"."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def pair_sentence(pair: Mapping[str, Any], before: str, after: str, *, metric: MetricInfo, comparisons: int = 1) -> str:
    """Say whether the second run is better, by how much, and how sure that is.

    Args:
        pair: an entry of "pairs" with "verdict" and "p_adjusted".
        before: name of the first run.
        after: name of the second run.
        comparisons: how many runs are compared with the first; p is adjusted for it.
        metric: that the verdict is about.
    """
    change, outcomes, name = pair[metric.name], pair["outcomes"], metric.title
    number = sum(outcomes.values())
    if pair["other_answers"] == 0:
        return f'"{after}" predicts the same as "{before}" for all {number:,} images.'
    if change["value"] is None or isnan(change["value"]):
        return f'The {name} of "{before}" and "{after}" cannot be measured on these {number:,} images.'
    low, high = change["low"], change["high"]
    signed, of = _signed(metric, change["value"]), _of(metric)
    if low is None or isnan(low):
        return (
            f'"{after}" differs from "{before}" by {signed} {of}; {number:,} images are too few to tell it from chance.'
        )
    surely = f"{p_text(pair['p_adjusted'])}{' after Holm' if comparisons > 1 else ''}"
    if pair["verdict"] in ("better", "worse"):
        value, *ends = _size(change)
        by, first, last = (_plain(metric, one) for one in (value, *ends))
        return f'"{after}" is {pair["verdict"]} than "{before}" by {by} {of} ({first} to {last}), {surely}.'
    return (
        f'No difference is shown between "{before}" and "{after}": {signed} {of} '
        f"({_plain(metric, low)} to {_plain(metric, high)}), {surely}, on {number:,} images."
    )


def ranking_sentence(
    runs: Sequence[Mapping[str, Any]],
    ranking: Sequence[int],
    pairs: Sequence[Mapping[str, Any]],
    *,
    metric: MetricInfo,
) -> str:
    """Say which of several runs leads, and which differ from the first.

    Args:
        runs: the entries of "runs".
        ranking: their positions, the best first.
        pairs: the entries of "pairs".
        metric: that they are ranked by.
    """
    best, first = runs[ranking[0]], runs[0]
    told = {
        verdict: [f'"{runs[pair["after"]]["name"]}"' for pair in pairs if pair["verdict"] == verdict]
        for verdict in ("better", "worse", "unclear")
    }
    parts = [
        f"{_list(names)} {'is' if len(names) == 1 else 'are'} {verdict}"
        for verdict, names in told.items()
        if names and verdict != "unclear"
    ]
    if told["unclear"]:
        parts.append(f"for {_list(told['unclear'])} no difference is shown")
    most = "highest" if metric.higher_is_better else "lowest"
    return (
        f'"{best["name"]}" has the {most} {metric.title}, {metric.show(best[metric.name])}. '
        f'Compared with "{first["name"]}", {", ".join(parts)}.'
    )


def _size(change: Mapping[str, float]) -> tuple[float, float, float]:
    """A change and the ends of its interval, without its sign."""
    value, low, high = change["value"], change["low"], change["high"]
    return (value, low, high) if value > 0 else (-value, -high, -low)


def _plain(metric: MetricInfo, value: float) -> str:
    """A change of a metric: points of a share, else the number as it is."""
    return points(value) if metric.scale == "share" else f"{value:.3g}"


def _signed(metric: MetricInfo, value: float) -> str:
    return f"{100 * value:+.1f}" if metric.scale == "share" else f"{value:+.3g}"


def _of(metric: MetricInfo) -> str:
    return f"points of {metric.title}" if metric.scale == "share" else f"of {metric.title}"


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
