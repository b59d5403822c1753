"""What a comparison says of each run whatever its task: where it lies, what it cost, and what limits the comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vision_ft.evaluate.comparing.read import RunPredictions
from vision_ft.evaluate.resampling import MIN_GROUPS

FORMAT_VERSION = 1


def facts_of(run: RunPredictions) -> dict[str, Any]:
    """Return name, path, strategy, backbone and cost of a run."""
    return {
        "name": run.name,
        "path": str(run.path),
        "strategy": run.plan.get("strategy"),
        "backbone": run.plan.get("backbone"),
        "cost": cost_of(run.plan, run.environment),
    }


def cost_of(plan: Mapping[str, Any], environment: Mapping[str, Any]) -> dict[str, Any]:
    """What a run cost, None where it did not say.

    Args:
        plan: plan.json.
        environment: environment.json.

    Returns:
        "trained_parameters" of all groups that any phase trained; "training_seconds" and "seconds" in all;
        "memory_mb" of the main process and "device_memory_mb", the most that was held at once.
    """
    sizes = {group["name"]: group["parameters"] for group in plan.get("groups", ())}
    trained = {name for phase in plan.get("phases", ()) for name in phase.get("groups", ())}
    seconds = environment.get("seconds") or {}
    memory = environment.get("peak_memory_mb") or {}
    return {
        "trained_parameters": sum(sizes.get(name, 0) for name in trained) if trained else None,
        "training_seconds": seconds.get("training"),
        "seconds": sum(seconds.values()) if seconds else None,
        "memory_mb": memory.get("process"),
        "device_memory_mb": memory.get("device"),
    }


def notes_of(split: str, runs: Sequence[RunPredictions], groups: np.ndarray | None) -> list[str]:
    """Return what a reader must know, in sentences."""
    notes = []
    if split == "val":
        notes.append("Not every run has test images, so val is compared. Val chose the models and flatters them.")
    named = set() if groups is None else {str(group) for group in groups if group is not None}
    if 1 < len(named) < MIN_GROUPS:
        notes.append(
            f"The images come from {len(named)} groups. Images of one group are alike, so the intervals are "
            f"narrower than the truth; from {MIN_GROUPS} groups on, whole groups are drawn."
        )
    machines = {(run.environment.get("platform"), run.environment.get("cores")) for run in runs}
    if len(machines) > 1:
        notes.append("The runs were trained on different machines: their seconds do not compare.")
    return notes
