"""What page one says whatever the task: a card for a number, the plan of the training, where the run comes from."""

from __future__ import annotations

from typing import Any

from vision_ft.reporting.collect.run import RunView


def card(label: str, value: float | None, interval: Any, meaning: str) -> dict[str, Any]:
    """A headline number in [0, 1] with its interval, and what it means."""
    return {"label": label, "value": value, "interval": interval, "meaning": meaning}


def phases_of(run: RunView) -> list[dict[str, Any]]:
    """The phases that the run was trained by."""
    phases = []
    for phase in run.plan.get("phases") or []:
        rates = phase.get("groups") or {}
        phases.append(
            {
                "name": phase.get("name", ""),
                "epochs": phase.get("epochs"),
                "solver": phase.get("solver", ""),
                "groups": ", ".join(
                    name if phase.get("solver") == "convex" else f"{name} {rate:.3g}" for name, rate in rates.items()
                ),
                "parameters": phase.get("trainable_parameters"),
            }
        )
    return phases


def lineage_of(run: RunView) -> list[tuple[str, str]]:
    """(name, text) of what decided the run."""
    environment = run.environment
    facts = [
        ("Backbone", run.plan.get("backbone")),
        ("Head", run.plan.get("head")),
        ("Strategy", run.plan.get("strategy")),
        ("Pictures", ", ".join(f"{name} {number:,}" for name, number in run.counts.items() if number)),
        ("Answers", run.answers),
        ("Seed", environment.get("seed")),
        ("Command", environment.get("command")),
        ("Data fingerprint", environment.get("fingerprint") or environment.get("data")),
        *(
            (f"Chosen on validation: {key}", value)
            for key, value in run.selection.items()
            if not isinstance(value, dict)
        ),
    ]
    return [(label, _text(value)) for label, value in facts if value not in (None, "", [], {})]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value)
