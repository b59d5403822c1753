"""Read a folder of class folders, or train/val/test folders of class folders, into a SampleTable."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from vision_ft.data.images.decode import EXTENSIONS, printable
from vision_ft.data.labels import SPLIT_BY_NAME, build_class_space, shorten
from vision_ft.data.names import escape_name, unescape_name
from vision_ft.data.placement import (
    Transfer,
    find_losses,
    number_repeated,
    open_target,
    place_pictures,
    require_format,
)
from vision_ft.data.reading.patterns import GroupPattern, compile_pattern
from vision_ft.data.reading.walk import LITTER, MAX_LISTED, Walk
from vision_ft.data.reading.walk import walk as walk_folder
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import UNLABELLED, ClassSpace, Finding

MAX_NAME_BYTES = 255  # of a folder, on the file systems in use
UNLABELLED_FOLDERS = frozenset({"", "unlabelled", "unlabeled"})


def read(
    root: Path,
    *,
    group_pattern: str | None = None,
    group_by: Sequence[str] | None = None,
    on_bad: Literal["fail", "drop"] = "fail",
    unlabelled: bool = False,
) -> SampleTable:
    """Read `root/<class>/**/*.jpg` or `root/{train,val,test}/<class>/**/*.jpg`.

    Args:
        root: the folder; it is only read.
        group_pattern: takes the group of each image, and with a {label} field also its label, from its path.
        group_by: fields of the pattern that make the group; all but {label} when absent.
        on_bad: "drop" leaves out class folders without an image and remarks on them, "fail" refuses.
        unlabelled: images in no class folder, or in one called "unlabelled", are kept without a label.

    Raises:
        DataError: no image, no class folder, an empty class, or a class in val or test that train lacks.
    """
    walk = walk_folder(Path(root))
    if not walk.pictures:
        raise DataError(
            f"{printable(root)}: no images found. Allowed extensions are {', '.join(sorted(EXTENSIONS))}; "
            "expected are class folders with images, or train/ and val/ with class folders in them."
        )
    split_folders = _split_folders(walk)
    pattern = compile_pattern(group_pattern, group_by=group_by) if group_pattern else None
    if unlabelled:
        return _read_partly_labelled(walk, split_folders, root, pattern=pattern)
    groups = None
    if pattern is not None and pattern.gives_label:
        pictures = _inside_splits(walk, split_folders)
        groups, labels = pattern.match([escape_name(path) for path in pictures])
        assert labels is not None, "a pattern with {label} gives labels"
    else:
        pictures, labels = _labels_from_folders(walk, split_folders, root)
        _refuse_empty_classes(walk, split_folders, labels, root=root, on_bad=on_bad)
        if pattern is not None:
            groups, _ = pattern.match([escape_name(path) for path in pictures])
        else:
            walk.remarks += _remark_nested_cameras(walk, split_folders)
    splits = [split_folders[path.split("/", 1)[0]] for path in pictures] if split_folders else None
    classes, ids = build_class_space(labels, splits, where=printable(root))
    return SampleTable.build(
        root=Path(root), paths=pictures, labels=ids, classes=classes, splits=splits, groups=groups, remarks=walk.remarks
    )


def _read_partly_labelled(
    walk: Walk, split_folders: dict[str, str], root: Path, *, pattern: GroupPattern | None
) -> SampleTable:
    """Keep every image; one in no class folder, or whose class is called "unlabelled", has no label."""
    depth = 1 if split_folders else 0
    pictures = _inside_splits(walk, split_folders)
    folders = [path.split("/")[depth] if path.count("/") > depth else "" for path in pictures]
    groups, given = pattern.match([escape_name(path) for path in pictures]) if pattern else (None, None)
    names = given if given is not None else [escape_name(folder) for folder in folders]
    names = ["" if name.lower() in UNLABELLED_FOLDERS else name for name in names]
    classes = ClassSpace(tuple(sorted(set(names) - {""})))
    index = {name: position for position, name in enumerate(classes.names)}
    return SampleTable.build(
        root=Path(root),
        paths=pictures,
        labels=[index.get(name, UNLABELLED) for name in names],
        classes=classes,
        splits=[split_folders[path.split("/", 1)[0]] for path in pictures] if split_folders else None,
        groups=groups,
        remarks=walk.remarks,
    )


def _split_folders(walk: Walk) -> dict[str, str]:
    """Return folder name -> split when the top folders are splits: a train folder that holds folders, not images."""
    top = [path for path in walk.folders if "/" not in path]
    by_folder = {name: SPLIT_BY_NAME[name.lower()] for name in top if name.lower() in SPLIT_BY_NAME}
    parents = {path.split("/", 1)[0] for path in walk.folders if "/" in path}
    has_train = any(split == "train" and name in parents for name, split in by_folder.items())
    return by_folder if has_train else {}


def _inside_splits(walk: Walk, split_folders: dict[str, str]) -> list[str]:
    """Return the images below split folders (all when there are none) and remark on the others."""
    if not split_folders:
        return walk.pictures
    inside = [path for path in walk.pictures if path.split("/", 1)[0] in split_folders and "/" in path]
    _remark_outside(walk, inside, "outside the train, val and test folders, ignored.")
    return inside


def _labels_from_folders(walk: Walk, split_folders: dict[str, str], root: Path) -> tuple[list[str], list[str]]:
    """Return the images that lie in a class folder, and the class of each."""
    depth = 1 if split_folders else 0  # which part of the path names the class
    candidates = _inside_splits(walk, split_folders)
    pictures = [path for path in candidates if path.count("/") > depth]
    if not pictures:
        raise DataError(
            f"{printable(root)}: {len(candidates)} images, but none lies in a class folder. Move the images of "
            "each class into a folder with its name, or give a CSV file with the columns path,label."
        )
    if len(pictures) < len(candidates):
        _remark_outside(walk, pictures, "lies in no class folder, ignored.")
    return pictures, [escape_name(path.split("/", depth + 1)[depth]) for path in pictures]


def _remark_outside(walk: Walk, kept: list[str], reason: str) -> None:
    """Add a warning for each image that is not kept, unless it already has one."""
    known = {finding.path for finding in walk.remarks}
    left = [path for path in sorted(set(walk.pictures) - set(kept)) if escape_name(path) not in known]
    walk.remarks += [Finding("warning", "ignored-file", escape_name(path), reason) for path in left[:MAX_LISTED]]
    if len(left) > MAX_LISTED:
        more = f"{len(left) - MAX_LISTED} more images: {reason}"
        walk.remarks.append(Finding("warning", "ignored-file", "", more))


def _refuse_empty_classes(
    walk: Walk, split_folders: dict[str, str], labels: Sequence[str], *, root: Path, on_bad: str
) -> None:
    """Refuse class folders without a single image in any split, or remark on them."""
    depth = 1 if split_folders else 0
    named = {
        escape_name(path.split("/")[depth])
        for path in walk.folders
        if path.count("/") == depth and (not split_folders or path.split("/", 1)[0] in split_folders)
    }
    empty = sorted(named - set(labels))
    if not empty:
        return
    if on_bad == "fail":
        raise DataError(
            f"{printable(root)}: no images in the class folders {shorten(empty)}. Add images or remove the folders "
            "(or leave these classes out with data.on_bad=drop)."
        )
    detail = f"no images in the class folders {shorten(empty)}; these classes are left out."
    walk.remarks.append(Finding("warning", "empty-class", "", detail))


def _remark_nested_cameras(walk: Walk, split_folders: dict[str, str]) -> list[Finding]:
    """Warn when every class folder holds the same folders: then the inner ones are probably the classes."""
    depth = 1 if split_folders else 0
    inner: dict[str, set[str]] = {}
    for path in walk.pictures:
        parts = path.split("/")
        if len(parts) > depth + 1:
            inner.setdefault(parts[depth], set()).add(parts[depth + 1] if len(parts) > depth + 2 else "")
    contents = list(inner.values())
    alike = len(contents) > 1 and "" not in contents[0] and len(contents[0]) > 1
    if not alike or any(names != contents[0] for names in contents):
        return []
    detail = (
        f"every class folder holds the same folders {shorten(sorted(map(escape_name, contents[0])))}. If those are the "
        "classes, and the outer folders are cameras or sites, set data.group_pattern='{camera}/{label}/*'."
    )
    return [Finding("warning", "nested-folders", "", detail)]


def write(table: SampleTable, root: Path, *, transfer: Transfer = "copy") -> list[Finding]:
    """Write a folder for each class, below folders of the splits where there are any, into a new folder.

    Raises:
        DataError: the table holds boxes or masks, a class whose name is no folder's, or the folder holds something.
    """
    require_format(table, "imagefolder", name="an image folder")
    folders = [unescape_name(name) for name in table.classes.names]
    wrong = [name for name in folders if "/" in name or "\0" in name or name.startswith(".")]
    wrong += [name for name in folders if name.lower() in LITTER or len(os.fsencode(name)) > MAX_NAME_BYTES]
    if wrong:
        raise DataError(
            f"{printable(table.root)}: the classes {shorten(wrong)} cannot be names of folders. Rename them."
        )
    root = open_target(root)
    split = table.arrow.column("split").null_count < len(table)
    names = []
    for row, path in enumerate(table.arrow.column("path").to_pylist()):
        label = table.label(row)
        inside = folders[label] if label >= 0 else "unlabelled"
        parts = [
            part for part in unescape_name(path).split("/") if part.lower() not in (*SPLIT_BY_NAME, inside.lower())
        ]
        top = [table.splits[row] or "train"] if split else []
        names.append("/".join([*top, inside, *(parts or [unescape_name(path).rpartition("/")[2]])]))
    place_pictures(table, root, number_repeated(names), transfer=transfer)
    return find_losses(table, held=() if split else ("open-splits",))
