"""The images of the old cameras and of a new one as one table, split without leaks within and between them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from vision_ft.config.schema.data import DataConfig
from vision_ft.data.audit.audit import apply_policy, check, scan
from vision_ft.data.images.decode import printable
from vision_ft.data.kinds import KINDS
from vision_ft.data.labelled import as_unlabelled, is_labelled, is_plain
from vision_ft.data.names import escape_name
from vision_ft.data.split import assign
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import UNLABELLED, ClassSpace, Finding, LabelColumn, Task
from vision_ft.wiring.data import read_table, require_task
from vision_ft.wiring.domain_findings import about_classes, about_old

OLD, NEW = "old", "new"
DOMAIN = "domain"
KEPT_COLUMNS = ("path", "split", "group", "width", "height", "brightness", "sharpness", "hash", "cluster")
# About one class is no error for a new camera: the other classes may come from the old images, or from the model.
SET_FINDINGS = (
    "one-class",
    "empty-class",
    "class-missing-in-split",
    "nothing-labelled",
    "mask-binary",
    "no-label",
    "constant-label",
)


@dataclass(frozen=True)
class OldImages:
    """The images of the old cameras, or why there are none.

    Attributes:
        table: scanned and split; None when the images cannot be had.
        missing: the reason, "" when there is a table.
        findings: what was seen.
    """

    table: SampleTable | None
    missing: str
    findings: tuple[Finding, ...] = ()


def read_old(
    recorded: SampleTable | None,
    keep: DataConfig | None,
    *,
    task: Task,
    seed: int,
    threads: int,
    root: Path | None = None,
) -> OldImages:
    """Return the images of the old cameras.

    Args:
        recorded: the source run's own table; its splits are kept, also for images of `keep` that it lists.
        keep: images given by the user; None takes the recorded ones, as far as their files still exist.
        task: of the model.
        seed: of the split of images that the source run does not list.
        threads: that look at images.
        root: where the recorded images lie now.

    Raises:
        DataError: the given images cannot be read, or none of the recorded ones lies below `root`.
    """
    if keep is not None:
        table, findings = _scanned(read_table(keep, task=task), keep, threads=threads)
        return OldImages(_split_as_recorded(table, recorded, keep, seed=seed), "", tuple(findings))
    if recorded is None:
        return OldImages(None, "the source run lists no images (data.parquet is missing); give them with --keep")
    exists = np.array([recorded.path(row).is_file() for row in range(len(recorded))], dtype=bool)
    if not exists.any() and root is not None:
        raise DataError(
            f"{printable(root)}: none of the {len(recorded)} images of the source run lies here, such as "
            f"{printable(recorded.relative_path(0))}. Give the folder that these paths start from."
        )
    if not exists.any():
        reason = f"none of the {len(recorded)} images of the source run exists below {printable(recorded.root)}"
        return OldImages(None, f"{reason}; give them with --keep, or their new place with --data-root")
    findings = [
        Finding("warning", "missing-file", recorded.relative_path(int(row)), "listed by the source run, but gone.")
        for row in np.flatnonzero(~exists)
    ]
    before = recorded.take(exists)
    table, seen = scan(before, workers=threads)
    changed = _changed(before, table)
    findings += [
        Finding("warning", "changed-file", table.relative_path(int(row)), "changed since the source run; left out.")
        for row in np.flatnonzero(changed)
    ]
    if changed.all():
        reason = f"all {len(table)} images of the source run that exist below {printable(recorded.root)} have changed"
        return OldImages(None, f"{reason}; give the old images with --keep", tuple(findings))
    return OldImages(apply_policy(table.take(~changed), seen, "drop"), "", (*findings, *seen))


def read_new(
    config: DataConfig,
    *,
    task: Task,
    classes: ClassSpace,
    columns: Sequence[LabelColumn] = (),
    seed: int,
    threads: int,
) -> tuple[SampleTable, list[Finding]]:
    """Read, scan and split the images of the new camera; they may lack labels.

    Args:
        config: where they are.
        task: of the model; images without any label serve every task.
        classes: of the model.
        columns: label columns of the model, where it has such.
        seed: of the split.
        threads: that look at images.

    Raises:
        RecipeError: the labels are of another task.
        DataError: there is no image, or too few to make the splits.
    """
    table = read_table(config, task=task, unlabelled=True)
    # to a model of another task, folders of plain images are places, such as cameras, and no labels
    is_bare = Path(config.path).is_dir() or not is_labelled(table).any()
    is_unlike = table.task != task and is_plain(table) and is_bare
    if not is_unlike:
        require_task(table, task)
    table, findings = _scanned(table, config, threads=threads)
    if is_unlike:
        table = as_unlabelled(table, task, classes, columns)
    if not len(table):
        raise DataError(f"{config.path}: no image of the new camera can be used.")
    return assign(table, val=config.val, test=config.test, seed=seed), findings


def join_domains(
    old: SampleTable | None, new: SampleTable, known: ClassSpace, *, columns: Sequence[LabelColumn] = ()
) -> tuple[SampleTable, list[Finding]]:
    """Return one table of both, with a column `domain`; classes are matched by name, as the task's kind does it.

    An image of NEW that OLD holds too is left out: the source model has seen it.

    Args:
        old: images of the old cameras, or None.
        new: images of the new camera.
        known: classes of the model.
        columns: label columns of the model, where it has such.

    Raises:
        DataError: the classes, columns or codes of the two do not fit together, an image of OLD has a class that the
            model lacks, or the two folders lie on different drives.
    """
    tables: list[tuple[str, SampleTable]] = []
    findings: list[Finding] = []
    if old is not None:
        new, findings = _without_known(old, new)
        require_task(old, new.task)
        tables.append((OLD, old))
    tables.append((NEW, new))
    root = _common_root([table.root for _, table in tables])
    prefixes = [escape_name(table.root.relative_to(root).as_posix()) for _, table in tables]
    labels = KINDS[new.task].join([table for _, table in tables], known, columns=columns, prefixes=prefixes)
    parts = [
        _part(table, name, prefix, number) | dict(own)
        for number, ((name, table), prefix, own) in enumerate(zip(tables, prefixes, labels.columns, strict=True))
    ]
    arrow = pa.concat_tables([pa.table(part) for part in parts])
    joined = SampleTable(arrow, root=root, classes=labels.classes, task=new.task, meta=labels.meta)
    found = [finding for finding in check(joined) if finding.kind not in SET_FINDINGS]
    joined = apply_policy(joined, found, "drop")
    return joined, [*findings, *found, *about_old(old), *about_classes(new, known)]


def limit_labels(
    table: SampleTable, budget: int | None, *, val_share: float, seed: int
) -> tuple[SampleTable, list[Finding]]:
    """Keep labelled images of NEW in train and val up to a budget; the others lose their split, not their place.

    The images are drawn at random, as a person would label them, in an order that depends on the seed only: a larger
    budget holds the smaller one. Test images are never counted: they only measure.

    Args:
        table: from `join_domains`.
        budget: number of labelled images; None keeps all.
        val_share: share of them that val gets.
        seed: of the order.
    """
    if budget is None:
        return table, []
    splits = table.splits.copy()
    order = np.random.default_rng((seed, 1)).permutation(len(table))
    is_new = (domains(table) == NEW) & is_labelled(table)
    pools = {split: [int(row) for row in order if is_new[row] and splits[row] == split] for split in ("train", "val")}
    wanted = min(round(budget * val_share), len(pools["val"]))
    chosen = {"val": pools["val"][:wanted], "train": pools["train"][: budget - wanted]}
    if len(chosen["train"]) < budget - wanted:  # too few for train: val may have more
        chosen["val"] = pools["val"][: budget - len(chosen["train"])]
    for split, rows in chosen.items():
        splits[sorted(set(pools[split]) - set(rows))] = None
    found = len(chosen["train"]) + len(chosen["val"])
    detail = f"{budget} labels were asked for; outside test there are {found} labelled images, and all are used."
    short = [Finding("warning", "few-labels", "", detail)] if found < budget else []
    return table.with_column("split", pa.array(splits.tolist(), pa.string())), short


def domains(table: SampleTable) -> np.ndarray:
    """Return "old" or "new" for each row (N,)."""
    return np.asarray(table.arrow.column(DOMAIN).to_pylist(), dtype=object)


def _scanned(table: SampleTable, config: DataConfig, *, threads: int) -> tuple[SampleTable, list[Finding]]:
    remarks = list(table.remarks)
    table, seen = scan(table, workers=threads, max_pixels=config.max_pixels)
    return apply_policy(table, seen, config.on_bad), [*remarks, *seen]


def _changed(before: SampleTable, now: SampleTable) -> np.ndarray:
    """Rows (N,) whose content is another than the source run saw."""
    if "hash" not in before.arrow.column_names:
        return np.zeros(len(now), dtype=bool)
    pairs = zip(before.arrow.column("hash").to_pylist(), now.arrow.column("hash").to_pylist(), strict=True)
    return np.array([stored is not None and stored != found for stored, found in pairs], dtype=bool)


def _split_as_recorded(
    table: SampleTable, recorded: SampleTable | None, config: DataConfig, *, seed: int
) -> SampleTable:
    """Give images that the source run lists the split they had there, and split the others.

    An image that the model was trained on stays in train, even where no other is left for val: training images
    cannot measure forgetting. The others are split among themselves, and join a listed one that they are tied to.
    """
    if recorded is None or "hash" not in recorded.arrow.column_names:
        return assign(table, val=config.val, test=config.test, seed=seed)
    known = dict(zip(recorded.arrow.column("hash").to_pylist(), recorded.splits, strict=True))
    hashes = table.arrow.column("hash").to_pylist()
    splits = [known.get(digest, split) for digest, split in zip(hashes, table.splits, strict=True)]
    table = table.with_column("split", pa.array(splits, pa.string()))
    is_listed = any(known.get(digest) for digest in hashes)
    return assign(table, val=config.val, test=config.test, seed=seed, fixed=is_listed)


def _without_known(old: SampleTable, new: SampleTable) -> tuple[SampleTable, list[Finding]]:
    known = set(old.arrow.column("hash").to_pylist())
    seen = np.array([digest in known for digest in new.arrow.column("hash").to_pylist()], dtype=bool)
    findings = [
        Finding("warning", "known-picture", new.relative_path(int(row)), "also among the old images; left out of NEW.")
        for row in np.flatnonzero(seen)
    ]
    if seen.all():
        raise DataError(
            f"{printable(new.root)}: all {len(new)} images are among those of the old cameras. NEW must be images "
            "that the source run has not seen."
        )
    return new.take(~seen), findings


def _common_root(roots: Sequence[Path]) -> Path:
    try:
        return Path(os.path.commonpath([os.fspath(root) for root in roots]))
    except ValueError as err:
        raise DataError(f"{printable(roots[0])} and {printable(roots[1])} lie on different drives: copy one.") from err


def _part(table: SampleTable, domain: str, prefix: str, number: int) -> dict[str, pa.Array]:
    """Return a table's columns, without labels, with paths and cluster numbers that fit the joined one."""
    paths = table.arrow.column("path").to_pylist()
    if prefix != ".":
        paths = [f"{prefix}/{path}" for path in paths]
    clusters = table.arrow.column("cluster").to_pylist()
    columns = {name: table.arrow.column(name) for name in KEPT_COLUMNS if name in table.arrow.column_names}
    return columns | {
        "path": pa.array(paths, pa.string()),
        "label": pa.array([UNLABELLED] * len(table), pa.int32()),
        "cluster": pa.array([None if one is None else 2 * one + number for one in clusters], pa.int64()),
        DOMAIN: pa.array([domain] * len(table), pa.string()),
    }
