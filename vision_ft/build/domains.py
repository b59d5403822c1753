"""The pictures of the old cameras and of a new one as one table, split without leaks within and between them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from vision_ft.build.data import read_table, require_task
from vision_ft.config.schema import DataConfig
from vision_ft.data.audit import apply_policy, check, scan
from vision_ft.data.decode import printable
from vision_ft.data.labels import shorten
from vision_ft.data.names import escape_name
from vision_ft.data.split import assign
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import SPLITS, UNLABELLED, ClassSpace, Finding

OLD, NEW = "old", "new"
DOMAIN = "domain"
KEPT_COLUMNS = ("path", "label", "split", "group", "width", "height", "brightness", "sharpness", "hash", "cluster")
# About one class is no error for a new camera: the other classes may come from the old pictures, or from the model.
SET_FINDINGS = ("one-class", "empty-class", "class-missing-in-split")


@dataclass(frozen=True)
class OldPictures:
    """The pictures of the old cameras, or why there are none.

    Attributes:
        table: scanned and split; None when the pictures cannot be had.
        missing: the reason, "" when there is a table.
        findings: what was seen.
    """

    table: SampleTable | None
    missing: str
    findings: tuple[Finding, ...] = ()


def read_old(
    recorded: SampleTable | None, keep: DataConfig | None, *, seed: int, threads: int, root: Path | None = None
) -> OldPictures:
    """Return the pictures of the old cameras.

    Args:
        recorded: the source run's own table; its splits are kept, also for pictures of `keep` that it lists.
        keep: pictures given by the user; None takes the recorded ones, as far as their files still exist.
        seed: of the split of pictures that the source run does not list.
        threads: that look at pictures.
        root: where the recorded pictures lie now.

    Raises:
        DataError: the given pictures cannot be read, or none of the recorded ones lies below `root`.
    """
    if keep is not None:
        table, findings = _scanned(read_table(keep), keep, threads=threads)
        return OldPictures(_split_as_recorded(table, recorded, keep, seed=seed), "", tuple(findings))
    if recorded is None:
        return OldPictures(None, "the source run lists no pictures (data.parquet is missing); give them with --keep")
    exists = np.array([recorded.path(row).is_file() for row in range(len(recorded))], dtype=bool)
    if not exists.any() and root is not None:
        raise DataError(
            f"{printable(root)}: none of the {len(recorded)} pictures of the source run lies here, such as "
            f"{printable(recorded.relative_path(0))}. Give the folder that these paths start from."
        )
    if not exists.any():
        reason = f"none of the {len(recorded)} pictures of the source run exists below {printable(recorded.root)}"
        return OldPictures(None, f"{reason}; give them with --keep, or their new place with --data-root")
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
        reason = f"all {len(table)} pictures of the source run that exist below {printable(recorded.root)} have changed"
        return OldPictures(None, f"{reason}; give the old pictures with --keep", tuple(findings))
    return OldPictures(apply_policy(table.take(~changed), seen, "drop"), "", (*findings, *seen))


def read_new(config: DataConfig, *, seed: int, threads: int) -> tuple[SampleTable, list[Finding]]:
    """Read, scan and split the pictures of the new camera; they may lack labels.

    Raises:
        DataError: there is no picture, or too few to make the splits.
    """
    table = read_table(config, unlabelled=True)
    require_task(table, "classification")
    table, findings = _scanned(table, config, threads=threads)
    if not len(table):
        raise DataError(f"{config.path}: no picture of the new camera can be used.")
    return assign(table, val=config.val, test=config.test, seed=seed), findings


def join_domains(old: SampleTable | None, new: SampleTable, known: ClassSpace) -> tuple[SampleTable, list[Finding]]:
    """Return one table of both, with a column `domain`; classes are matched by name, new names come last.

    A picture of NEW that OLD holds too is left out: the source model has seen it.

    Raises:
        DataError: the labelled classes of NEW and those of the model have no name in common, a picture of OLD has a
            class that the model lacks, or the two folders lie on different drives.
    """
    tables: list[tuple[str, SampleTable]] = []
    findings: list[Finding] = []
    if old is not None:
        new, findings = _without_known(old, new)
        known.index_of(_names_present(old), where=f"{printable(old.root)} (old cameras)")
        tables.append((OLD, old))
    tables.append((NEW, new))
    classes = extended_classes(known, new)
    root = _common_root([table.root for _, table in tables])
    parts = [_part(table, name, classes, root, number) for number, (name, table) in enumerate(tables)]
    joined = SampleTable(pa.concat_tables(parts), root=root, classes=classes, task=new.task, meta=new.meta)
    found = [finding for finding in check(joined) if finding.kind not in SET_FINDINGS]
    joined = apply_policy(joined, found, "drop")
    return joined, [*findings, *found, *_about_old(old), *_about_classes(new, known)]


def extended_classes(known: ClassSpace, new: SampleTable) -> ClassSpace:
    """Return the model's classes followed by those that only NEW has.

    Raises:
        DataError: no name in common.
    """
    names = _names_present(new)
    if names and not set(names) & set(known.names):
        raise DataError(
            f"{printable(new.root)}: its classes {shorten(names)} and those of the model {shorten(list(known.names))} "
            "have no name in common. Rename the folders or labels to the model's names; pictures without a label go "
            'into a folder called "unlabelled"; folders that are cameras or sites need data.group_pattern.'
        )
    return ClassSpace((*known.names, *(name for name in names if name not in known.names)))


def limit_labels(
    table: SampleTable, budget: int | None, *, val_share: float, seed: int
) -> tuple[SampleTable, list[Finding]]:
    """Keep labelled pictures of NEW in train and val up to a budget; the others lose their split, not their place.

    The pictures are drawn at random, as a person would label them, in an order that depends on the seed only: a larger
    budget holds the smaller one. Test pictures are never counted: they only measure.

    Args:
        table: from `join_domains`.
        budget: number of labelled pictures; None keeps all.
        val_share: share of them that val gets.
        seed: of the order.
    """
    if budget is None:
        return table, []
    splits = table.splits.copy()
    order = np.random.default_rng((seed, 1)).permutation(len(table))
    is_new = (domains(table) == NEW) & (table.labels != UNLABELLED)
    pools = {split: [int(row) for row in order if is_new[row] and splits[row] == split] for split in ("train", "val")}
    wanted = min(round(budget * val_share), len(pools["val"]))
    chosen = {"val": pools["val"][:wanted], "train": pools["train"][: budget - wanted]}
    if len(chosen["train"]) < budget - wanted:  # too few for train: val may have more
        chosen["val"] = pools["val"][: budget - len(chosen["train"])]
    for split, rows in chosen.items():
        splits[sorted(set(pools[split]) - set(rows))] = None
    found = len(chosen["train"]) + len(chosen["val"])
    detail = f"{budget} labels were asked for; outside test there are {found} labelled pictures, and all are used."
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
    """Give pictures that the source run lists the split they had there, and split the others.

    A picture that the model was trained on stays in train, even where no other is left for val: what it knows by heart
    cannot show what it forgets. The others are split among themselves, and join a listed one that they are tied to.
    """
    if recorded is None or "hash" not in recorded.arrow.column_names:
        return assign(table, val=config.val, test=config.test, seed=seed)
    known = dict(zip(recorded.arrow.column("hash").to_pylist(), recorded.splits, strict=True))
    hashes = table.arrow.column("hash").to_pylist()
    splits = [known.get(digest, split) for digest, split in zip(hashes, table.splits, strict=True)]
    table = table.with_column("split", pa.array(splits, pa.string()))
    is_listed = any(known.get(digest) for digest in hashes)
    return assign(table, val=config.val, test=config.test, seed=seed, fixed=is_listed)


def _names_present(table: SampleTable) -> list[str]:
    labels = np.unique(table.labels[table.labels != UNLABELLED])
    return [table.classes.names[label] for label in labels]


def _without_known(old: SampleTable, new: SampleTable) -> tuple[SampleTable, list[Finding]]:
    known = set(old.arrow.column("hash").to_pylist())
    seen = np.array([digest in known for digest in new.arrow.column("hash").to_pylist()], dtype=bool)
    findings = [
        Finding(
            "warning", "known-picture", new.relative_path(int(row)), "also among the old pictures; left out of NEW."
        )
        for row in np.flatnonzero(seen)
    ]
    if seen.all():
        raise DataError(
            f"{printable(new.root)}: all {len(new)} pictures are among those of the old cameras. NEW must be pictures "
            "that the source run has not seen."
        )
    return new.take(~seen), findings


def _common_root(roots: Sequence[Path]) -> Path:
    try:
        return Path(os.path.commonpath([os.fspath(root) for root in roots]))
    except ValueError as err:
        raise DataError(f"{printable(roots[0])} and {printable(roots[1])} lie on different drives: copy one.") from err


def _part(table: SampleTable, domain: str, classes: ClassSpace, root: Path, number: int) -> pa.Table:
    """Return a table's columns with labels, paths and numbers that fit the joined one."""
    index = {name: position for position, name in enumerate(classes.names)}
    own = np.array([index.get(name, UNLABELLED) for name in table.classes.names] + [UNLABELLED], dtype=np.int32)
    prefix = escape_name(table.root.relative_to(root).as_posix())
    paths = table.arrow.column("path").to_pylist()
    if prefix != ".":
        paths = [f"{prefix}/{path}" for path in paths]
    clusters = table.arrow.column("cluster").to_pylist()
    columns = {name: table.arrow.column(name) for name in KEPT_COLUMNS if name in table.arrow.column_names}
    columns |= {
        "path": pa.array(paths, pa.string()),
        "label": pa.array(own[table.labels], pa.int32()),
        "cluster": pa.array([None if one is None else 2 * one + number for one in clusters], pa.int64()),
        DOMAIN: pa.array([domain] * len(table), pa.string()),
    }
    return pa.table(columns)


def _about_old(old: SampleTable | None) -> list[Finding]:
    """Say what cannot be measured for want of old pictures that the source model has not learned from."""
    if old is None:
        return []
    use = {"val": "the limit of forgetting cannot restrict the choice", "test": "what was forgotten is not verified"}
    return [
        Finding("warning", f"no-old-{split}", "", f"the old cameras have no labelled {split} pictures: {lacking}.")
        for split, lacking in use.items()
        if not (old.labels[old.rows(split)] != UNLABELLED).any()
    ]


def _about_classes(new: SampleTable, known: ClassSpace) -> list[Finding]:
    """Say what the new camera lacks: labels, classes, pictures."""
    names = _names_present(new)
    findings = []
    unlabelled = int((new.labels == UNLABELLED).sum())
    if unlabelled:
        detail = f"{unlabelled} of {len(new)} pictures of the new camera have no label."
        findings.append(Finding("info", "unlabelled", "", detail))
    absent = [name for name in known.names if names and name not in names]
    if absent:
        detail = f"the new camera has no picture of {shorten(absent)}; the model keeps these classes."
        findings.append(Finding("warning", "class-absent-on-new", "", detail))
    added = [name for name in names if name not in known.names]
    if added:
        findings.append(Finding("warning", "class-added", "", f"the model learns the classes {shorten(added)}."))
    if len(new) < len(known):
        detail = f"{len(new)} pictures for {len(known)} classes: too few to measure each class."
        findings.append(Finding("warning", "few-pictures", "", detail))
    counts = {split: len(new.rows(split)) for split in SPLITS}
    if not counts["test"]:
        detail = "the new camera has no test pictures: the result on it cannot be verified."
        findings.append(Finding("warning", "no-test", "", detail))
    return findings
