"""The run folder of an adaptation: the same files as any run's, and adaptation.json with what was found and decided."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np

from vision_ft.adaptation.next_labels import BY_COLUMN, DENSE_COLUMNS, to_csv
from vision_ft.config import Recipe, dump_recipe
from vision_ft.data.labelled import is_labelled, names_present
from vision_ft.data.table import SampleTable
from vision_ft.engine.memory import peak_memory
from vision_ft.files import write_atomic, write_json
from vision_ft.models.folder import CONFIG_FILE, WEIGHTS_FILE
from vision_ft.models.stages import parameter_groups
from vision_ft.new_camera.advice import TO_LABEL, Advice, new_root
from vision_ft.new_camera.material import Job
from vision_ft.new_camera.source import Source, hash_weights
from vision_ft.new_camera.verdict import Verdict
from vision_ft.run_folder import RunFolder, read_json, write_environment, write_findings
from vision_ft.types import Finding
from vision_ft.wiring.domains import NEW, OLD, domains
from vision_ft.wiring.plugins import used_plugins, with_shown

FORMAT_VERSION = 1
DOCUMENT = "adaptation.json"


def write_start(
    folder: RunFolder, recipe: Recipe, source: Source, table: SampleTable, findings: Sequence[Finding]
) -> None:
    """Write everything that is known before the first candidate."""
    write_atomic(folder.recipe, dump_recipe(recipe).encode())
    table.write(folder.data)
    write_findings(folder, findings)
    facts = {"source": str(source.folder.path), "source_model": source.model_hash, **used_plugins(recipe)}
    write_environment(folder, seed=recipe.run.seed, data=table.fingerprint(), root=str(table.root), **facts)


def write_outputs(
    folder: RunFolder, job: Job, source: Source, verdict: Verdict, advice: Advice, facts: Mapping[str, Any]
) -> None:
    """Write the recommended model, its predictions and metrics, and last adaptation.json and metrics.json."""
    chosen = folder.path / "candidates" / verdict.recommended.name
    for name in (WEIGHTS_FILE, CONFIG_FILE):
        write_atomic(folder.model / name, (chosen / "model" / name).read_bytes())
    write_json(folder.plan, _plan(job, verdict))
    log = "".join(json.dumps(record) + "\n" for record in verdict.recommended.history)
    write_atomic(folder.path / "log.jsonl", log.encode())
    if advice.next_labels is not None:
        rows = [row | {"path": _own_path(job, str(row["path"]))} for row in advice.next_labels["rows"]]
        columns = BY_COLUMN if job.scores_of is not None else DENSE_COLUMNS
        write_atomic(folder.path / TO_LABEL, to_csv(rows, columns=columns).encode("utf-8", errors="surrogateescape"))
    splits = _write_predictions(folder, job, source, verdict)
    environment = read_json(folder.environment)
    environment = with_shown(environment, {"task": job.recipe.task, "splits": splits})
    environment |= {"seconds": {"training": facts["seconds"]}, "peak_memory_mb": peak_memory()}
    write_json(folder.environment, environment)
    document = _document(folder, job, source, verdict, advice, facts)
    write_json(folder.path / DOCUMENT, document)
    decision = verdict.decision.to_json()
    head = {"format_version": 1, "task": job.recipe.task, "classes": list(job.table.classes.names)}
    selection = {"metric": decision["metric"], "candidate": decision["recommended"], "alpha": _alpha(verdict)}
    extra = job.judge.extra(verdict.recommended.predictions)
    write_json(folder.metrics, {**head, **extra, "selection": selection, "splits": splits})


def _document(
    folder: RunFolder, job: Job, source: Source, verdict: Verdict, advice: Advice, facts: Mapping[str, Any]
) -> dict[str, Any]:
    table, config = job.table, job.recipe.adapt
    known = len(source.classes)
    counts = {domain: _counts(table, domain) for domain in (OLD, NEW)}
    present = names_present(table.take(_is(table, NEW)))
    this = {"run": str(folder.path), "model_hash": hash_weights(folder), "data": table.fingerprint()}
    return {
        "format_version": FORMAT_VERSION,
        "task": job.recipe.task,
        "source": {"run": str(source.folder.path), "name": source.name, "model_hash": source.model_hash},
        "lineage": [*source.lineage(), this | {"decision": verdict.decision.recommended}],
        "new": counts[NEW] | {"path": job.recipe.data.path},
        "old": (counts[OLD] | {"path": config.keep or str(source.folder.data)}) if counts[OLD]["pictures"] else None,
        "old_missing": facts["old_missing"] or None,
        "classes": {
            "all": list(table.classes.names),
            "added": list(table.classes.names[known:]),
            "absent_on_new": [name for name in table.classes.names[:known] if present and name not in present],
        },
        "labels": {
            "budget": config.labels,
            "train": len(job.new_train),
            "val": int((_is(table, NEW) & (table.splits == "val") & is_labelled(table)).sum()),
        },
        "shift": facts["shift"],
        "candidates": list(verdict.entries),
        "decision": verdict.decision.to_json(),
        "budget": advice.budget,
        "next_labels": advice.next_labels,
        "honest_split": advice.honest_split,
        "seconds": facts["seconds"],
    }


def _is(table: SampleTable, domain: str) -> np.ndarray:
    chosen: np.ndarray = domains(table) == domain
    return chosen


def _counts(table: SampleTable, domain: str) -> dict[str, Any]:
    chosen = _is(table, domain)
    splits = table.splits[chosen]
    groups = None if table.groups is None else {group for group in table.groups[chosen] if group is not None}
    return {
        "pictures": int(chosen.sum()),
        "labelled": int(is_labelled(table)[chosen].sum()),
        **{split: int((splits == split).sum()) for split in ("train", "val", "test")},
        "groups": len(groups) if groups else None,
        "unused": int(sum(split is None for split in splits)),
    }


def _write_predictions(folder: RunFolder, job: Job, source: Source, verdict: Verdict) -> dict[str, Any]:
    """Write the recommended model's predictions, with the camera as the group, and return their summaries."""
    names = {OLD: f"old: {source.name}", NEW: f"new: {Path(job.recipe.data.path).resolve().stem}"}
    splits: dict[str, Any] = {}
    for split, made in verdict.recommended.predictions.items():
        if not len(made):
            continue
        cameras = np.array([names[domain] for domain in domains(job.table)[made.ids]], dtype=object)
        shown = replace(made, groups=cameras)
        job.judge.write(folder.predictions(split), shown)
        _copy_beside(folder, verdict.recommended.name, split)
        splits[split] = job.judge.summarise(shown)
    return splits


def _copy_beside(folder: RunFolder, candidate: str, split: str) -> None:
    """Copy what lies beside the candidate's predictions of a split, such as label maps."""
    made = folder.path / "candidates" / candidate / "predictions" / split
    if made.is_dir():
        copytree(made, folder.predictions(split).parent / split, dirs_exist_ok=True)


def _plan(job: Job, verdict: Verdict) -> dict[str, Any]:
    groups = [{"name": name, "parameters": size} for name, size in _group_sizes(job).items()]
    return {
        "strategy": verdict.recommended.name,
        "backbone": job.source.backbone.name,
        "head": job.source.head_name,
        "groups": groups,
        "phases": list(verdict.recommended.phases),
    }


def _group_sizes(job: Job) -> dict[str, int]:
    sizes = {name: parameter.numel() for name, parameter in job.source.named_parameters()}
    return {group: sum(sizes[name] for name in names) for group, names in parameter_groups(job.source).items()}


def _alpha(verdict: Verdict) -> float | None:
    alpha: float | None = verdict.recommended.entry["alpha"]
    return alpha


def _own_path(job: Job, path: str) -> str:
    """The path as the new camera's own folder or index would write it."""
    return os.path.relpath(job.table.root / path, new_root(job)).replace(os.sep, "/")
