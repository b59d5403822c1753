"""Which added entries a run uses: kept with the run, and asked for when it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vision_ft.config.schema.recipe import Recipe
from vision_ft.data.formats import FORMATS
from vision_ft.errors import RecipeError
from vision_ft.evaluate.classification.metrics import METRICS
from vision_ft.models.heads import HEADS
from vision_ft.plugins.missing import find_record, say_missing
from vision_ft.plugins.registry import Registry
from vision_ft.reporting.own_sections import OWN_SECTIONS, shown_names
from vision_ft.strategies import STRATEGIES
from vision_ft.tasks import TASKS

KEPT = "plugins"  # in environment.json


def named_entries(recipe: Recipe) -> list[tuple[Registry[Any], str]]:
    """Return each registry that a recipe names an entry of, with the name."""
    from vision_ft.augment.presets import PRESETS  # here: albumentations takes a second

    losses = TASKS[recipe.task].losses
    return [
        (HEADS, recipe.model.head),
        (STRATEGIES, recipe.strategy.name),
        (PRESETS, recipe.augment.preset),
        (FORMATS, recipe.data.format),
        *([] if losses is None else [(losses, recipe.optim.loss)]),
    ]


def has_own_loss(recipe: Recipe) -> bool:
    """Whether the loss was added, so that no solver of ours minimises it in closed form."""
    losses = TASKS[recipe.task].losses
    return losses is not None and recipe.optim.loss in losses.added


def used_plugins(recipe: Recipe) -> dict[str, Any]:
    """Return the records of added entries that a recipe names, as a fact of the environment; nothing without any."""
    records = [registry.record(name) for registry, name in named_entries(recipe)]
    return _fact([record for record in records if record is not None])


def with_shown(environment: Mapping[str, Any], metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a run, with the added metrics that metrics.json holds and the added sections of its page."""
    held = {key for summary in metrics["splits"].values() for key in summary}
    records = [METRICS.record(name) for name in METRICS.added if name in held]
    records += [OWN_SECTIONS.record(name) for name in shown_names(str(metrics["task"]))]
    found = [record for record in records if record is not None]
    return {**environment, **_fact([*environment.get(KEPT, []), *found])}


def require_plugins(recipe: Recipe, environment: Any, *, where: Path) -> None:
    """Refuse to go on with a run that named entries which are not registered here.

    Args:
        recipe: the run's.
        environment: content of its environment.json.
        where: the run.

    Raises:
        RecipeError: one is missing; it is said where it came from.
    """
    records = environment.get(KEPT) if isinstance(environment, Mapping) else None
    for registry, name in named_entries(recipe):
        record = find_record(records, registry.kind, name)
        if record is not None and name not in registry:
            raise RecipeError(f"{where}: {say_missing(record, key=registry.key)}")


def _fact(records: list[dict[str, str]]) -> dict[str, Any]:
    return {KEPT: records} if records else {}
