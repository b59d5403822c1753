"""Write adaptation.json as an adaptation leaves it: every kind of candidate, passed, stopped, or with little known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.report.fake_run import HOSTILE, NAMES, make_run
from vision_ft.data.table import SampleTable
from vision_ft.files import write_json

SOURCE = {"new": (0.70, 0.64, 0.76), "old": (0.95, 0.92, 0.97)}


def candidate(
    name: str,
    title: str,
    new: float = 0.0,
    old: float = 0.0,
    *,
    allowed: bool = True,
    needs_labels: bool = True,
    alpha: float | None = None,
    notes: tuple[str, ...] = (),
) -> dict[str, Any]:
    """A candidate whose changes against the source are `new` and `old`, on test; half a point more on val."""
    alphas = []
    if alpha is not None:
        for step in (0.0, 0.25, 0.5, 0.75, 1.0):
            loss = old * step**2 * 1.6
            alphas.append({"alpha": step, "old": 0.95 + loss, "new": 0.70 + new * step**0.6, "allowed": loss >= -0.01})
    test, val = {}, {}
    for camera, change in (("old", old), ("new", new)):
        value, low, high = (number + change for number in SOURCE[camera])
        test[camera] = {
            "n": 400,
            "accuracy": value,
            "accuracy_interval": [low, min(high, 1.0)],
            "macro_f1": value - 0.02,
        }
        val[camera] = {"n": 100, "accuracy": value + 0.005, "macro_f1": value - 0.02, "loss": round(1 - value, 3)}
    return {
        "name": name, "title": title, "needs_labels": needs_labels, "status": "done", "reason": "",
        "alpha": alpha, "alphas": alphas, "seconds": 31.2, "trained_parameters": 11_176_512, "val": val, "test": test,
        "change": {
            "old": {"value": old, "low": old - 0.012, "high": old + 0.011},
            "new": {"value": new, "low": new - 0.035, "high": new + 0.034},
        },
        "val_change": {"old": old, "new": new}, "allowed": allowed, "notes": list(notes),
    }  # fmt: skip


def adaptation(*, passed: bool = True) -> dict[str, Any]:
    """A whole adaptation.json; not `passed`: the source model stays."""
    source = candidate("source", "Source model", needs_labels=False)
    source |= {"change": {"old": None, "new": None}, "val_change": {"old": None, "new": None}, "seconds": None,
               "trained_parameters": 0}  # fmt: skip
    skipped = candidate("surgical", "Surgical fine-tuning")
    skipped |= {"status": "skipped", "reason": "was not asked for by --strategy", "test": {"old": None, "new": None},
                "val": {"old": None, "new": None}, "change": {"old": None, "new": None}}  # fmt: skip
    gradual = candidate("gradual-unfreeze", "Gradual unfreeze", 0.205, -0.006, alpha=0.5,
                        notes=("Rehearsal: a quarter of each batch is old.",))  # fmt: skip
    if not passed:
        gradual |= {
            "allowed": False,
            "change": gradual["change"] | {"old": {"value": -0.04, "low": -0.06, "high": -0.02}},
        }
    return {
        "format_version": 1, "task": "classification",
        "source": {"run": "runs/lot-a", "name": "lot-a", "model_hash": "5f0c" * 10},
        "lineage": [
            {"run": "runs/lot-a", "model_hash": "5f0c" * 10, "data": "aa11bb22cc33dd44", "decision": "trained"},
            {"run": "runs/lot-b", "model_hash": "77aa" * 10, "data": "bb22cc33dd44ee55", "decision": "batchnorm"},
            {"run": "runs/lot-c", "model_hash": "91de" * 10, "data": "cc33dd44ee55ff66",
             "decision": "gradual-unfreeze" if passed else "source"},
        ],
        "new": {"path": f"photos/{HOSTILE}", "pictures": 3000, "labelled": 300, "train": 40, "val": 10, "test": 250,
                "groups": 12, "unused": 2700},
        "old": {"path": "photos/old", "pictures": 2000, "labelled": 2000, "train": 1400, "val": 200, "test": 400,
                "groups": 31, "unused": 0},
        "old_missing": None,
        "classes": {"all": list(NAMES), "added": [HOSTILE], "absent_on_new": ["Cardinal"]},
        "labels": {"budget": 50, "train": 40, "val": 10},
        "shift": shift(),
        "candidates": [
            source,
            candidate("batchnorm", "BatchNorm re-estimation", 0.052, -0.031, allowed=False, needs_labels=False),
            candidate("head", "Head re-fit on cached features", 0.134, -0.002),
            gradual,
            candidate("full", "Full fine-tuning", 0.213, -0.009, alpha=0.75),
            candidate("plain-full", "Plain full fine-tuning", 0.221, -0.094, allowed=False),
            skipped,
        ],
        "decision": decision(passed),
        "budget": {
            "points": [
                {"labels": labels, "mean": mean, "low": mean - spread, "high": mean + spread, "draws": 5}
                for labels, mean, spread in ((10, 0.74, 0.06), (25, 0.8, 0.04), (50, 0.86, 0.02), (100, 0.88, 0.015),
                                             (250, 0.885, 0.01))
            ],
            "source": 0.70, "sentence": "From 100 labels on, more labels gain less than 1 point.",
        },
        "next_labels": {
            "count": 30, "file": "to_label.csv",
            "rows": [
                {"path": f"c{k % 6}/{12 * (k % 6) + k}.jpg", "predicted": NAMES[k % 6], "score": 0.2 + 0.01 * k,
                 "rank": k + 1, "reason": "uncertain" if k % 3 else "uncertain and unlike"}
                for k in range(30)
            ],
        },
        "honest_split": {
            "honest": {"accuracy": 0.86, "low": 0.83, "high": 0.89, "n": 400},
            "random": {"accuracy": 0.97, "low": 0.95, "high": 0.98, "n": 400},
            "sentence": "A random split of frames would have said 97.0%, 11.0 points more than whole groups held out.",
        },
    }  # fmt: skip


def decision(passed: bool) -> dict[str, Any]:
    if not passed:
        return {"recommended": "source", "passed": False, "exit_code": 3, "metric": "accuracy", "limit": 0.01,
                "sentence": "Not passed: every candidate that gains on the new camera loses more than 1.0 points on "
                            "the old one. The source model stays.",
                "reasons": ["Gradual unfreeze: on val the new camera gains 20.5 points, but the old camera loses 4.0 "
                            "points: more than the limit of 1.0."]}  # fmt: skip
    return {"recommended": "gradual-unfreeze", "passed": True, "exit_code": 0, "metric": "accuracy", "limit": 0.01,
            "sentence": "Gradual unfreeze is recommended: on held-out images accuracy on the new camera changes by "
                        "+20.5 points (+17.0 to +23.9), on the old camera by -0.6 points (-1.8 to +0.5); a loss of 1.0 "
                        "is allowed.",
            "reasons": ["Full fine-tuning: on val the new camera gains 21.3 points, and the old camera loses 0.9.",
                        "BatchNorm re-estimation: on val the new camera gains 5.2 points, but the old camera loses 3.1 "
                        "points: more than the limit of 1.0.",
                        "The new camera has 10 val images: one image is 10.0 points, so equal scores are decided "
                        "by the log loss."]}  # fmt: skip


def shift() -> dict[str, Any]:
    return {
        "domain_auc": {"value": 0.981, "low": 0.97, "high": 0.99, "by": "groups"},
        "pixel_auc": {"value": 0.943, "low": 0.92, "high": 0.96, "by": "groups"},
        "kernel_distance": {"value": 0.0832, "p_value": 0.002}, "frechet": {"value": 14.2},
        "batchnorm": {"mean": 0.31, "layers": [{"name": "stem.bn1", "distance": 0.62}]},
        "prior": {"old": {NAMES[0]: 0.3, NAMES[1]: 0.7}, "new": {NAMES[0]: 0.6, NAMES[1]: 0.35, HOSTILE: 0.05},
                  "estimated": True, "distance": 0.35},
        "pixels": [
            {"name": "brightness", "old": 0.52, "new": 0.31, "difference": -1.7},
            {"name": "contrast", "old": 0.21, "new": 0.12, "difference": -2.4},
            {"name": "warmth", "old": 0.01, "new": 0.08, "difference": 0.9},
            {"name": "sharpness", "old": 0.61, "new": 0.6, "difference": -0.1},
        ],
        "matched_share": 0.63, "kind": "lighting",
        "sentence": "Looks like lighting: the new camera's images are darker and flatter.",
        "sentences": ["Matching colour and contrast removes 63% of the distance."],
    }  # fmt: skip


def little_known() -> dict[str, Any]:
    """No old images, no labels: what cannot be known is null."""
    value = adaptation(passed=False)
    nothing = {"old": None, "new": None}
    for entry in value["candidates"]:
        entry |= {
            "val": nothing,
            "test": nothing,
            "change": nothing,
            "val_change": nothing,
            "alphas": [],
            "alpha": None,
        }
    value |= {"old": None, "old_missing": "the images of runs/lot-a are gone: photos/old does not exist.",
              "budget": None, "next_labels": None, "honest_split": None, "lineage": [],
              "labels": {"budget": None, "train": 0, "val": 0}}  # fmt: skip
    value["shift"] = {
        "domain_auc": None, "pixel_auc": None, "kernel_distance": None, "frechet": None, "batchnorm": None,
        "prior": {"old": None, "new": {NAMES[0]: 1.0}, "estimated": True, "distance": None}, "pixels": [],
        "matched_share": None, "kind": None, "sentence": "Without old images the shift cannot be measured.",
        "sentences": [],
    }  # fmt: skip
    return value


def make_adapted_run(folder: Path, value: dict[str, Any] | None = None, **options: Any) -> Path:
    """A run folder with adaptation.json, the column `domain` in its table, and the same predictions as any run."""
    run = make_run(folder, **options)
    write_json(run / "adaptation.json", value or adaptation())
    table = SampleTable.read(run / "data.parquet")
    table.with_column("domain", ["old" if row % 3 else "new" for row in range(len(table))]).write(run / "data.parquet")
    assert "domain" in pq.read_schema(run / "data.parquet").names
    json.loads((run / "adaptation.json").read_text(encoding="utf-8"))
    return run
