"""The comparison of runs as one self-contained page, in the look of the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup, escape

from vision_ft.data.names import unescape_name
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.evaluate.comparing.runs import compare_runs
from vision_ft.evaluate.comparing.words import p_text
from vision_ft.files import write_atomic
from vision_ft.reporting.charts.base import svg, ticks
from vision_ft.reporting.metric_names import is_share, metric_name, metric_title
from vision_ft.reporting.page import hash_script, make_environment, read_assets
from vision_ft.reporting.section import MAX_TITLE, cut, points
from vision_ft.reporting.thumbnails import Thumbnails, build_thumbnails, load_picture

if TYPE_CHECKING:
    from PIL import Image

STYLES = ("report.css", "compare.css")
SCRIPTS = ("compare.js", "tables.js", "theme.js", "compare_start.js")
MAX_MATRIX_CLASSES = 24  # a wider table of changes is no longer read; those that changed most are shown
MAX_ROWS = 200  # classes or groups listed; the largest changes come first
MAX_IMAGES = 18  # of a kind and pair
SPLIT_LABELS = {"test": "test", "val": "validation"}
Loader = Callable[[Path], "Image.Image"]


def compare(
    *runs: str | Path, out: str | Path | None = None, data_root: str | Path | None = None, seed: int = 0
) -> dict[str, Any]:
    """Compare runs, each with the first, on the test images that all of them predicted.

    Args:
        runs: two or more run folders.
        out: page (.html) to write; none by default.
        data_root: where the images of the page are, if they moved.
        seed: of the bootstrap.

    Returns:
        Numbers ready for JSON, see `evaluate.compare.compare_runs`: "sentence" is the verdict.

    Raises:
        DataError: fewer than two runs, one that is not finished, or runs of other tasks or tested on other images.
    """
    comparison = compare_runs(runs, seed=seed)
    if out is not None:
        write_comparison(comparison, Path(out), data_root=None if data_root is None else Path(data_root))
    return comparison


def write_comparison(
    comparison: Mapping[str, Any],
    page: Path,
    *,
    data_root: Path | None = None,
    load_thumbnail: Loader = load_picture,
) -> Path:
    """Write the page; returns its path.

    Args:
        comparison: what `evaluate.compare.compare_runs` returned.
        page: file to write.
        data_root: where the images lie now; by default where the first run found them.
        load_thumbnail: opens an image; may raise DataError or OSError, then its path is shown instead.
    """
    thumbnails = _thumbnails(comparison, data_root, load_thumbnail)
    text = render_comparison(comparison, thumbnails)
    write_atomic(page, text.encode("utf-8", "replace"))
    return page


def _thumbnails(comparison: Mapping[str, Any], data_root: Path | None, load: Loader) -> Thumbnails:
    shown = [
        item["path"] for pair in comparison["pairs"] for kind in ("lost", "gained") for item in pair[kind][:MAX_IMAGES]
    ]
    root = data_root or _picture_root(Path(comparison["runs"][0]["path"]))
    if root is None:
        return Thumbnails({}, tuple(shown), 0)
    return build_thumbnails(shown, lambda path: root / unescape_name(path), load=load)


def _picture_root(run: Path) -> Path | None:
    try:
        return SampleTable.read(run / "data.parquet").root
    except (DataError, OSError):
        return None


def render_comparison(comparison: Mapping[str, Any], thumbnails: Thumbnails) -> str:
    """Return the page as text."""
    script = read_assets(SCRIPTS)
    runs = comparison["runs"]
    by_run = {pair["after"]: pair for pair in comparison["pairs"]}
    ranked = [_row(runs[position], by_run.get(position)) for position in comparison["ranking"]]
    page = make_environment().get_template("compare.html.j2")
    first, second = (_heading(metric) for metric in comparison["metrics"])
    return page.render(
        comparison=comparison,
        first=first,
        second=second,
        of_class=comparison.get("of_class"),
        of_image=_of_image(comparison),
        test=comparison.get("test") or ("the paired bootstrap" if _of_image(comparison) else "the exact McNemar test"),
        base=runs[0]["name"],
        runs=ranked,
        pairs=[_pair(pair, comparison, thumbnails) for pair in comparison["pairs"]],
        notes=comparison["notes"],
        forest=forest_chart(comparison),
        split_label=SPLIT_LABELS[comparison["split"]],
        style=Markup(read_assets(STYLES)),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704 - our own files
        script_hash=hash_script(script),
        title_length=MAX_TITLE,
    )


def _of_image(comparison: Mapping[str, Any]) -> str | None:
    """What is measured of each image, in words; None where an image is either right or wrong."""
    return comparison.get("of_image") or comparison.get("of_picture")


def _heading(metric: str) -> dict[str, Any]:
    """What the page calls a metric, and where its values are."""
    return {
        "name": metric,
        "interval": f"{metric}_interval",
        "word": metric_name(metric),
        "title": metric_title(metric),
        "is_share": is_share(metric),
    }


def _row(run: Mapping[str, Any], pair: Mapping[str, Any] | None) -> dict[str, Any]:
    about = ", ".join(str(run[key]) for key in ("backbone", "strategy") if run[key])
    shown = None if pair is None else {**pair, "p_text": p_text(pair["p_adjusted"]).removeprefix("p ").lstrip("= ")}
    return {**run, "about": about, "pair": shown}


def _pair(pair: Mapping[str, Any], comparison: Mapping[str, Any], thumbnails: Thumbnails) -> dict[str, Any]:
    before, after = (comparison["runs"][pair[side]]["name"] for side in ("before", "after"))
    outcomes, titles = pair["outcomes"], _titles(cut(before), cut(after), _of_image(comparison))
    cards = [{"label": label, "count": outcomes[kind]} for kind, label in _card_labels(before, after, outcomes).items()]
    galleries = [
        {
            "title": title,
            "kind": kind,
            "pictures": [{**item, "uri": thumbnails.uri_by_path.get(item["path"])} for item in pair[kind][:MAX_IMAGES]],
            "more": outcomes[kind] - min(len(pair[kind]), MAX_IMAGES),
        }
        for kind, title in titles.items()
    ]
    changed = sorted(pair["per_class"], key=lambda row: row["value"])
    return {
        **pair,
        "name": after,
        "cards": cards,
        "matrix": delta_matrix(pair.get("confusion", ()), comparison["classes"]),
        "per_class": _ends(changed),
        "groups": _ends(pair["groups"] or ()),
        "left_out": {"class": max(len(changed) - MAX_ROWS, 0), "group": max(len(pair["groups"] or ()) - MAX_ROWS, 0)},
        "galleries": galleries,
    }


def _card_labels(before: str, after: str, outcomes: Mapping[str, int]) -> dict[str, str]:
    """What each kind of image is called; right and wrong of labels, better and worse of masks and boxes."""
    if "equal" in outcomes:
        return {"gained": f"{cut(after, 30)} better", "lost": f"{cut(before, 30)} better", "equal": "Equally good"}
    return {
        "both_right": "Both right",
        "gained": f"Only {cut(after, 30)} right",
        "lost": f"Only {cut(before, 30)} right",
        "both_wrong": "Both wrong",
    }


def _titles(before: str, after: str, of_image: str | None) -> dict[str, str]:
    """Headings of the galleries."""
    if of_image is not None:
        return {"lost": f"Largest losses of an image's {of_image}", "gained": "Largest gains"}
    return {"lost": f"Now wrong: only {before} is right", "gained": f"Now right: only {after} is right"}


def _ends(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows sorted by their change, without the middle ones where there are too many."""
    kept = rows if len(rows) <= MAX_ROWS else [*rows[: MAX_ROWS // 2], *rows[-MAX_ROWS // 2 :]]
    return [{"low": None, "high": None, "differs": False, **row} for row in kept]


def delta_matrix(cells: Sequence[Sequence[int]], classes: Sequence[str]) -> dict[str, Any]:
    """Arrange the changed cells of the confusion matrix as a table of the classes that changed most.

    Args:
        cells: rows [true, predicted, images before, images after].
        classes: K names.

    Returns:
        "classes" shown, "cells" by true and predicted class, "left_out": changed classes that are not shown.
    """
    weight = np.zeros(len(classes), np.int64)
    for true, guess, before, after in cells:
        weight[[true, guess]] += abs(after - before)
    changed = np.flatnonzero(weight)
    wanted = len(classes) if len(classes) <= MAX_MATRIX_CLASSES else MAX_MATRIX_CLASSES
    shown = sorted(np.argsort(-weight, kind="stable")[:wanted].tolist())
    largest = max((abs(after - before) for _, _, before, after in cells), default=1)
    by_place = {(true, guess): (before, after) for true, guess, before, after in cells}
    table = [
        [_cell(by_place.get((true, guess)), classes, true=true, guess=guess, largest=largest) for guess in shown]
        for true in shown
    ]
    left_out = len(set(changed.tolist()) - set(shown))
    return {"classes": [classes[k] for k in shown], "cells": table if cells else [], "left_out": left_out}


def _cell(
    counts: tuple[int, int] | None, classes: Sequence[str], *, true: int, guess: int, largest: int
) -> dict[str, Any]:
    if counts is None:
        return {"text": "", "delta": 0, "style": "", "opacity": 0, "title": ""}
    delta = counts[1] - counts[0]
    good = (delta > 0) == (true == guess)
    share = abs(delta) / largest
    return {
        "text": f"{delta:+d}".replace("-", "−"),
        "delta": delta,
        "style": f" {'good' if good else 'bad'}{' strong' if share > 0.6 else ''}",
        "opacity": round(0.15 + 0.75 * share, 2),
        "title": f"{cut(classes[true])} predicted as {cut(classes[guess])}: {counts[0]} before, {counts[1]} after",
    }


def forest_chart(comparison: Mapping[str, Any]) -> Markup:
    """Difference in the first metric of each run against the first, with its interval, one line a run."""
    pairs, metric = comparison["pairs"], comparison["metrics"][0]
    names = [cut(comparison["runs"][pair["after"]]["name"], 22) for pair in pairs]
    width, right, line = 620, 20, 30
    left = 30 + 7 * max(len(name) for name in names)  # about seven pixels a character
    bottom = 14 + line * len(pairs)
    ends = [0.0] + [pair[metric][key] for pair in pairs for key in ("low", "high") if pair[metric][key] is not None]
    margin = 0.06 * (max(ends) - min(ends)) or 0.01
    low, high = float(min(ends) - margin), float(max(ends) + margin)

    def across(value: float) -> float:
        return left + (value - low) / (high - low) * (width - left - right)

    body = ""
    for tick in ticks(low, high, 6):
        x = across(tick)
        kind = "zero" if tick == 0 else "grid"
        body += f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="6" y2="{bottom}"/>'
        body += f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{points(tick).split()[0]}</text>'
    for number, (pair, name) in enumerate(zip(pairs, names, strict=True)):
        y = 6 + line * (number + 0.5)
        body += _whisker(pair, metric, across, y)
        body += f'<text class="name" x="{left - 14}" y="{y + 4:.1f}" text-anchor="end">{escape(name)}</text>'
    first = cut(comparison["runs"][0]["name"], 30)
    label = f"points of {metric_name(metric)} against {first}"
    body += f'<text x="{(left + width - right) / 2}" y="{bottom + 36}" text-anchor="middle">{escape(label)}</text>'
    body = f'<g class="forest">{body}</g>'
    return svg(body, f"Difference in {label}, with 95% intervals", width=width, height=bottom + 44)


def _whisker(pair: Mapping[str, Any], metric: str, across: Callable[[float], float], y: float) -> str:
    change = pair[metric]
    if change["low"] is None:  # too few images to draw sets of
        return ""
    low, middle, high = (across(change[key]) for key in ("low", "value", "high"))
    colour = {"better": "s0", "worse": "s1", "unclear": "unclear"}[pair["verdict"]]
    return (
        f'<g class="series {colour}"><line x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<circle cx="{middle:.1f}" cy="{y:.1f}" r="4.5"><title>{points(change["value"])} '
        f"({points(change['low'])} to {points(change['high'])})</title></circle></g>"
    )
