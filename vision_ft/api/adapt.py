"""Adapt: retrain a run on a new camera."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vision_ft import new_camera
from vision_ft.api.progress import default_reporter
from vision_ft.api.run import Adaptation
from vision_ft.api.train import as_yaml, is_recipe, resolve_recipe
from vision_ft.config import Recipe, load_recipe
from vision_ft.engine.callbacks import Reporter
from vision_ft.errors import RecipeError
from vision_ft.new_camera.job import OnCandidate, OnStart
from vision_ft.run_folder import RunFolder

INHERITED_RUN = ("device", "precision", "workers", "cache", "decoded_budget_mb", "maps_budget_mb")  # of the source run


def adapt(
    run: str | Path,
    new: str | Path | None = None,
    *,
    keep: str | Path | None = None,
    labels: int | None = None,
    max_forgetting: float | None = None,
    strategy: str | Sequence[str] | None = None,
    group: str | None = None,
    data_root: str | Path | None = None,
    epochs: int | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    resume: bool = False,
    overrides: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
    on_start: OnStart | None = None,
    on_candidate: OnCandidate | None = None,
) -> Adaptation:
    """Retrain a run on a new camera, and say what it cost on the old one.

    Args:
        run: the run to start from; it is only read. Without `new`, an adaptation to resume.
        new: images of the new camera, in any form that `finetune` reads; labels may be missing.
        keep: images of the old cameras; by default those that the run lists, as far as they still exist.
        labels: labelled images of the new camera that may be used; all by default.
        max_forgetting: largest loss on the old cameras, as a share, that the recommended model may have.
        strategy: candidates to make besides the source; by default all but those on request.
        group: pattern that takes the group from the path, such as "{camera}/{label}/{sequence}_*".
        data_root: where the images that the run lists lie now.
        epochs: passes over the new images for the fine-tuning candidates.
        out: the new run's folder; by default a new one below runs/.
        seed: all randomness follows from it.
        resume: go on with the adaptation in `out`, or in `run` when `new` is not given.
        overrides: further recipe values by dotted key, for example {"adapt.rehearsal": 0.5}.
        reporter: listens to the progress; by default a bar in a notebook, elsewhere lines that go to `logging`.
        on_start: shown table, findings and shift before anything trains.
        on_candidate: shown the outcome of each candidate.

    Raises:
        VisionFTError: the run, the images, a name or a value cannot be used; the message says what to change.
    """
    options = {
        "adapt.keep": None if keep is None else str(keep),
        "adapt.labels": labels,
        "adapt.max_forgetting": max_forgetting,
        "adapt.candidates": [strategy] if isinstance(strategy, str) else (list(strategy) if strategy else None),
        "adapt.data_root": None if data_root is None else str(data_root),
        "data.group_pattern": group,
        "strategy.epochs": epochs,
        "run.out": None if out is None else str(out),
        "run.seed": seed,
        **(overrides or {}),
    }
    recipe = resolve_adaptation(run, new, (), options)
    folder = new_camera.adapt(
        recipe,
        resume=resume,
        reporter=reporter or default_reporter(),
        on_start=on_start,
        on_candidate=on_candidate,
    )
    return Adaptation(folder.path)


def resolve_adaptation(
    run: str | Path, new: str | Path | None, overrides: Sequence[str], options: Mapping[str, Any]
) -> Recipe:
    """Return the recipe of an adaptation; model, optimiser and augmentation are those of the source run.

    Args:
        run: the source run; or, without `new`, an adaptation to resume.
        new: images of the new camera, or a recipe when it ends in .yaml or .yml.
        overrides: texts such as "adapt.rehearsal=0.5".
        options: dotted key -> value; None leaves the recipe's own value.

    Raises:
        RecipeError: a file, key or value cannot be used.
    """
    if new is None:
        if not RunFolder(Path(run)).recipe.is_file():
            raise RecipeError(f"{run}: NEW is missing: vision-ft adapt RUN NEW, with NEW the new camera's images.")
        return resolve_recipe(run, overrides, options)
    settings = [f"{key}={as_yaml(value)}" for key, value in options.items() if value is not None]
    settings.append(f"adapt.source={json.dumps(str(run))}")  # the run that is named, also where a recipe names another
    stored = RunFolder(Path(run)).recipe
    known = load_recipe(stored, []).model_dump() if stored.is_file() else {}
    defaults: dict[str, Any] = {name: known[name] for name in ("task", "model", "optim", "augment") if name in known}
    defaults["run"] = {key: value for key, value in known.get("run", {}).items() if key in INHERITED_RUN}
    if is_recipe(new):
        return load_recipe(Path(new), [*settings, *overrides], defaults=defaults)
    return load_recipe(None, [*settings, *overrides], defaults=defaults | {"data": {"path": str(new)}})
