"""`vision-ft compare`: which of several runs is better on the same images, and what each cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from vision_ft.cli.console import console
from vision_ft.cli.plugins import Plugins, use

COLOURS = {"better": "green", "worse": "red", "unclear": "default"}


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Two or more run folders; the first is the base.")],
    out: Annotated[Path, typer.Option(help="Page to write.")] = Path("compare.html"),
    data_root: Annotated[Path | None, typer.Option(help="Where the images are, if they moved.")] = None,
    plugins: Plugins = None,
) -> None:
    """Say which run is better on the same test images, how sure that is, and what each cost.

    Example: vision-ft compare runs/birds-full runs/birds-gradual-unfreeze
    """
    from vision_ft.api.report import compare as compare_runs

    use(plugins)
    comparison = compare_runs(*runs, out=out, data_root=data_root)
    print_comparison(comparison)
    console.print(f"page  {out}", highlight=False, markup=False)


def print_comparison(comparison: Mapping[str, Any]) -> None:
    """Print runs by their first metric, the verdict on each, and what a reader must know."""
    from vision_ft.evaluate.names import METRIC_NAMES

    runs, metrics = comparison["runs"], comparison["metrics"]
    pairs = {pair["after"]: pair for pair in comparison["pairs"]}
    table = Table(title=f"{comparison['n']:,} {comparison['split']} images", title_justify="left")
    table.add_column("run", overflow="fold")
    first = f"against {escape(runs[0]['name'])}"
    for name in (METRIC_NAMES[metrics[0]], first, "p", METRIC_NAMES[metrics[1]], "trained", "seconds", "MB"):
        table.add_column(name, justify="right")
    for position in comparison["ranking"]:
        table.add_row(*_row(runs[position], pairs.get(position), metrics))
    console.print(table)
    console.print("trained: parameters; seconds: of training; MB: most memory of the main process", highlight=False)
    for note in comparison["notes"]:
        console.print(f"[yellow]note[/] {escape(note)}", highlight=False)
    if len(pairs) > 1:
        for pair in comparison["pairs"]:
            console.print(pair["sentence"], highlight=False, markup=False)
    console.print(f"[bold]{escape(comparison['sentence'])}[/]", highlight=False)


def _row(summary: Mapping[str, Any], pair: Mapping[str, Any] | None, metrics: Sequence[str]) -> list[str]:
    from vision_ft.evaluate.comparing.words import p_text
    from vision_ft.evaluate.names import metric_info

    first, change, p_value = metric_info(metrics[0]), "", ""
    if pair is not None:
        change = _change(pair[metrics[0]], COLOURS[pair["verdict"]], first.factor)
        p_value = p_text(pair["p_adjusted"])
    second = summary[metrics[1]]
    return [
        escape(summary["name"]),
        first.show(summary[metrics[0]]) + _ends(summary[f"{metrics[0]}_interval"], first.factor),
        change,
        p_value.removeprefix("p = ").removeprefix("p "),
        "-" if second is None else f"{second:.3f}",
        *(_amount(summary["cost"][key]) for key in ("trained_parameters", "training_seconds", "memory_mb")),
    ]


def _change(difference: Mapping[str, float | None], colour: str, factor: float) -> str:
    value, low, high = (difference[key] for key in ("value", "low", "high"))
    if value is None:
        return "-"
    shown = f"{100 * value:+.1f}" if factor == 100 else f"{value:+.3g}"
    return f"[{colour}]{shown}[/]{_ends((low, high), factor)}"


def _ends(interval: Sequence[float | None] | None, factor: float) -> str:
    low, high = interval or (None, None)
    if low is None or high is None:
        return ""
    first, last = (f"{100 * end:.1f}" if factor == 100 else f"{end:.3g}" for end in (low, high))
    return f" ({first} to {last})".replace("-0.0 ", "0.0 ")


def _amount(value: float | None) -> str:
    if value is None:
        return "-"
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e4)):  # a wide table is cut in a terminal of 80 columns
        if value >= size:
            return f"{value / (1000 if unit == 'k' else size):.1f}{unit}"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.1f}"
