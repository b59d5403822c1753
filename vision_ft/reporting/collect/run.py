"""Read a run folder, or another tool's predictions, into the one value that every section of the report reads."""

from __future__ import annotations

from pathlib import Path

from vision_ft.data.names import unescape_name
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.evaluate.classification.foreign import read_foreign
from vision_ft.evaluate.predictions_file import named_task
from vision_ft.reporting.collect.classified import make_class_split, read_class_split
from vision_ft.reporting.collect.files import (
    read_adaptation,
    read_findings,
    read_log,
    read_object,
    read_seed,
    read_table,
)
from vision_ft.reporting.collect.split import SPLIT_ORDER, Split
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.pages import page_of


def collect_run(run_dir: Path, *, data_root: Path | None = None) -> RunView:
    """Read what a run left behind.

    Args:
        run_dir: the run folder.
        data_root: where the images lie now, when they were moved.

    Raises:
        DataError: the folder holds no predictions, or they are damaged or of a task without a page.
    """
    files = [run_dir / "predictions" / f"{split}.parquet" for split in SPLIT_ORDER]
    files = [file for file in files if file.is_file()]
    if not files:
        raise DataError(
            f"{run_dir}: no predictions/test.parquet or predictions/val.parquet, so this is no finished run. "
            "Give a run folder, or a predictions file (.csv, .parquet)."
        )
    problems: list[str] = []
    table = read_table(run_dir / "data.parquet", data_root, problems)
    environment = read_object(run_dir / "environment.json", problems)
    recipe = _read_text(run_dir / "recipe.yaml")
    seed = read_seed(environment, recipe)
    splits = {file.stem: read_split(file, table, seed=seed) for file in files}
    root = data_root or (table.root if table else run_dir)
    main = next(iter(splits.values()))
    grid = run_dir / "report" / "augmentation.jpg"
    return RunView(
        name=run_dir.resolve().name,
        task=main.predictions.task,
        classes=main.predictions.classes,
        splits=splits,
        picture=lambda path: root / unescape_name(path),
        outputs=page_of(main.predictions.task, run_dir.name).describe_outputs(main),
        log=read_log(run_dir / "log.jsonl", problems),
        plan=read_object(run_dir / "plan.json", problems),
        findings=read_findings(run_dir / "findings.csv"),
        environment=environment,
        selection=read_object(run_dir / "metrics.json", problems).get("selection") or {},
        recipe=recipe,
        counts=_counts(table),
        augmentation=grid if grid.is_file() else None,
        adaptation=read_adaptation(run_dir / "adaptation.json", problems),
        problems=tuple(problems),
    )


def collect_predictions(file: Path, *, image_root: Path | None = None) -> RunView:
    """Read predictions that another tool made; images lie below `image_root`, else beside the file.

    Raises:
        DataError: the file cannot be read, or holds no row.
    """
    predictions = read_foreign(file)
    if not len(predictions):
        raise DataError(f"{file}: holds no row")
    root, split = image_root or file.parent, make_class_split("all", predictions, None)
    return RunView(
        name=file.stem,
        task=predictions.task,
        classes=predictions.classes,
        splits={split.name: split},
        picture=lambda path: root / path,
        outputs=page_of(predictions.task, file.stem).describe_outputs(split),
    )


def read_split(file: Path, table: SampleTable | None, *, seed: int) -> Split:
    """Read predictions/<split>.parquet of a run of any task.

    Args:
        file: the predictions.
        table: data.parquet, None where it is missing.
        seed: of the run, for the bootstraps.

    Raises:
        DataError: the file is damaged, or of a task without a page.
    """
    task = named_task(file)
    if task is None:  # no readable file, or one from before tasks were named: its reader knows which
        return read_class_split(file, table, seed=seed)
    return page_of(task, file.parent.parent.name).read_split(file, table, seed=seed)


def _read_text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _counts(table: SampleTable | None) -> dict[str, int]:
    if table is None:
        return {}
    return {split: int((table.splits == split).sum()) for split in ("train", "val", "test")}
