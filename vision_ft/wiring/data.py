"""From the recipe's data section to an audited, split sample table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vision_ft.config.schema.data import DataConfig
from vision_ft.data.audit.audit import apply_policy, check, scan
from vision_ft.data.formats import FORMATS, detect
from vision_ft.data.images.decode import printable
from vision_ft.data.kinds import KINDS
from vision_ft.data.split import assign
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError, RecipeError
from vision_ft.options import options_of
from vision_ft.types import DEFAULT_TASK, Finding, Task
from vision_ft.wiring.names import look_up


def read_table(config: DataConfig, *, task: Task = DEFAULT_TASK, unlabelled: bool = False) -> SampleTable:
    """Read the data set as its format's reader understands it; with `unlabelled`, pictures may lack a label.

    The task tells what the labels of an index file are: one a picture, several, or one in each of several columns.

    Raises:
        DataError: nothing is there, or the reader cannot make sense of it.
        RecipeError: the format is unknown, or an option is set that it does not take.
    """
    source = Path(config.path)
    if not source.exists():
        raise DataError(f"{source}: no such folder or file. Give a folder of class folders or a CSV (path,label).")
    name = detect(source) if config.format == "auto" else config.format
    read = look_up(FORMATS, name, key="data.format")
    wanted: dict[str, Any] = {
        "label_column": config.label_column,
        "label_columns": config.label_columns,
        "label_separator": config.label_separator,
        "path_column": config.path_column,
        "split_column": config.split_column,
        "group_column": config.group_column,
        "group_pattern": config.group_pattern,
        "group_by": config.group_by,
        "class_table": None if config.class_table is None else Path(config.class_table),
        "mask_threshold": config.mask_threshold,
        "root": None if config.root is None else Path(config.root),
        "on_bad": config.on_bad,
    }
    taken = options_of(read)
    defaults = {name: field.default for name, field in DataConfig.model_fields.items()}
    for option, value in wanted.items():
        if option == "on_bad":  # it is followed after reading, too
            continue
        if option not in taken and value != defaults[option]:
            raise RecipeError(f"data.{option} is set, but the format {name} does not take it. Remove it.")
    wanted |= {"unlabelled": unlabelled, "task": task}
    return read(source, **{option: value for option, value in wanted.items() if option in taken})


def require_task(table: SampleTable, task: Task) -> None:
    """Refuse data of another task than the model's.

    Raises:
        RecipeError: the data holds other labels.
    """
    if table.task != task:
        raise RecipeError(
            f"task: got {task}, but {printable(table.root)} holds {KINDS[table.task].holds}. Add --task {table.task} "
            f"(task: {table.task} in the recipe), or give data with {KINDS[task].holds}."
        )


def prepare_table(
    config: DataConfig, *, seed: int, threads: int, quick: bool = True, task: Task | None = None, strict: bool = True
) -> tuple[SampleTable, list[Finding]]:
    """Read, audit and split the data; the result is what `data.parquet` and `findings.csv` hold.

    With `task`, data of another one is refused before the pictures are looked at. Without `strict`, what keeps the set
    from being trained on is an error among the findings.

    Raises:
        RecipeError: the data is of another task.
        DataError: pictures are broken and `on_bad` is "fail", splits leak, or fewer than two classes are left.
    """
    table = read_table(config, task=task or DEFAULT_TASK)
    if task is not None:
        require_task(table, task)
    remarks = list(table.remarks)
    table, seen = scan(table, quick=quick, workers=threads, max_pixels=config.max_pixels)
    table = apply_policy(table, seen, config.on_bad, strict=strict)
    if not len(table):
        return table, [*remarks, *seen]
    try:
        table = assign(table, val=config.val, test=config.test, seed=seed)
    except DataError as err:
        if strict:
            raise
        return table, [*remarks, *seen, Finding("error", "split", "", str(err))]
    found = check(table)
    table = apply_policy(table, found, config.on_bad, strict=strict)
    return table, [*remarks, *seen, *found]
