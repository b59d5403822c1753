"""Page one of a regression run: the result in a sentence, the headline numbers, where predictions are biased most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vision_ft.evaluate.regression.slices import is_biased
from vision_ft.reporting.caveats.values import size_of_bias, too_high, value_warnings
from vision_ft.reporting.collect.values import ValueSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.page_one import NUM_PAIRS, Card, NumberTable, PageOne, Pair
from vision_ft.reporting.section import count, cut, number, number_span

MAX_ROWS = 12  # targets named on page one; the others are in their own section
MIN_FOR_MEDIAN = 5  # the median of fewer values lies on one of them
MEANINGS = {
    "r2": "R2 of 1 is perfect, of 0 no better than always predicting the mean",
    "mae": "mean absolute error, in the units of the target",
    "rmse": "root mean squared error: large errors count more",
    "spearman": "rank correlation: is the order right? From −1 to 1",
}


def headline(run: RunView, split: ValueSplit) -> str:
    """The result in the sentences a person would say."""
    del run
    numbers = split.summary
    if not numbers["n"]:
        return f"No image of this split has a value ({count(numbers['unlabelled'], 'image')} without one)."
    on = f"On {count(numbers['n'], f'{split.kind}image')} the model predicts"
    if len(split.targets) > 1:
        return " ".join([f"{on} {len(split.targets)} targets{_reached(numbers)}.", *_best_and_worst(numbers)])
    row = numbers["per_target"][0]
    text = f"{on} {cut(row['name'])} with a mean absolute error of {measured(row, 'mae')}"
    if numbers["n"] >= MIN_FOR_MEDIAN:
        text += f"; always predicting the median would give {number(row['mae_of_median'])}"
    return f"{text}." if row["r2"] is None else f"{text}. R2 {measured(row, 'r2')}."


def measured(row: Mapping[str, Any], metric: str) -> str:
    """Return a number with its interval where there is one: "2.3 (1.9 to 2.8)"."""
    ends = number_span(row[f"{metric}_interval"])
    return f"{number(row[metric])} ({ends})" if ends else number(row[metric])


def _reached(numbers: Mapping[str, Any]) -> str:
    return "" if numbers["r2"] is None else f" with a mean R2 of {measured(numbers, 'r2')}"


def _best_and_worst(numbers: Mapping[str, Any]) -> list[str]:
    known = sorted((row for row in numbers["per_target"] if row["r2"] is not None), key=lambda row: row["r2"])
    if len(known) < 2:
        return []
    worst, best = known[0], known[-1]
    return [
        f"Best: {cut(best['name'])} (R2 {number(best['r2'])}); worst: {cut(worst['name'])} ({number(worst['r2'])})."
    ]


def _cards(run: RunView, split: ValueSplit) -> list[Card]:
    del run
    numbers = split.summary
    if len(split.targets) > 1:
        return [_card("Mean R2", numbers, "r2"), _card("Mean Spearman", numbers, "spearman")]
    name = cut(split.targets[0], 20)
    titles = {"r2": "R2", "mae": f"MAE ({name})", "rmse": f"RMSE ({name})", "spearman": "Spearman"}
    return [_card(title, numbers, metric) for metric, title in titles.items()]


def _card(title: str, numbers: Mapping[str, Any], metric: str) -> Card:
    return {
        "label": title,
        "value": numbers[metric],
        "interval": numbers[f"{metric}_interval"],
        "meaning": MEANINGS[metric],
        "text": number(numbers[metric]),
        "interval_text": number_span(numbers[f"{metric}_interval"]),
    }


def _table(run: RunView, split: ValueSplit) -> NumberTable | None:
    """Return the numbers of several targets, whose MAE and RMSE have different units."""
    del run
    rows = split.summary["per_target"]
    if len(rows) < 2:
        return None
    left = len(rows) - MAX_ROWS
    note = "MAE and RMSE are in the units of each target; the median is that of the true values."
    return {
        "head": ["Target", "Images", "R2", "MAE", "Median instead", "RMSE", "Spearman"],
        "rows": [
            [
                row["name"],
                f"{row['n']:,}",
                measured(row, "r2"),
                measured(row, "mae"),
                number(row["mae_of_median"]),
                number(row["rmse"]),
                number(row["spearman"]),
            ]
            for row in rows[:MAX_ROWS]
        ],
        "note": note if left <= 0 else f"{note} {count(left, 'more target')}: see Targets.",
    }


def _pairs(run: RunView, split: ValueSplit) -> list[Pair]:
    """Return the groups and the ranges of true values whose predictions are biased most."""
    del run
    found = [(row, _name_group(split, row), "groups") for row in split.group_biases]
    found += [
        (row, f"{cut(split.targets[row['target']], 20)} from {number_span((row['from'], row['to']))}", "residuals")
        for row in split.range_biases
    ]
    found = sorted((one for one in found if is_biased(one[0])), key=lambda one: -size_of_bias(split, one[0]))
    return [
        {
            "true": name,
            "predicted": "",
            "true_index": -1,
            "predicted_index": -1,
            "amount": f"{too_high(row['bias'])} on average ({count(row['n'], 'image')})",
            "section": section,
        }
        for row, name, section in found[:NUM_PAIRS]
    ]


def _name_group(split: ValueSplit, row: Mapping[str, Any]) -> str:
    group = row["group"] if row["group"] == "no group" else f"group {row['group']}"
    return group if len(split.targets) == 1 else f"{cut(split.targets[row['target']], 20)}, {group}"


PAGE_ONE = PageOne(
    headline=headline,
    cards=_cards,
    pairs=_pairs,
    caveats=value_warnings,
    pairs_title="What goes wrong most",
    nothing_wrong="Nothing stands out: no group and no range of values is predicted too high or too low beyond chance.",
    table=_table,
)
