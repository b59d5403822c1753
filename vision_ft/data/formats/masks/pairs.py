"""Which image belongs to which mask, and in which split: by folders such as images/ and masks/, or by lists."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from vision_ft.data.images.decode import EXTENSIONS, printable
from vision_ft.data.labels import SPLIT_BY_NAME, shorten
from vision_ft.errors import DataError
from vision_ft.types import Finding

IMAGE_FOLDERS = {"images", "image", "imgs", "img", "frames", "jpegimages", "leftimg8bit"}
MASK_FOLDERS = ("masks", "mask", "annotations", "annots", "labels", "gt", "groundtruth")
MASK_SPELLINGS = ("SegmentationClass", "gtFine", *MASK_FOLDERS, *(name.capitalize() for name in MASK_FOLDERS))
MASK_ENDINGS = ("", "_mask", "-mask", "_L", "_gt", "_label", "_labels", "_seg")
LIST_PLACES = ("", "ImageSets/Segmentation/", "splits/")


@dataclass
class Pairs:
    """Images with their masks; paths are relative to the root, as the os module gives them.

    Attributes:
        masks: image -> mask.
        splits: image -> split, for those with one.
        bare: images in a folder of images that have no mask.
        unclear: image -> why its mask, or whether it is the mask's image, cannot be told.
        remarks: what could be meant in another way.
    """

    masks: dict[str, str] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    bare: list[str] = field(default_factory=list)
    unclear: dict[str, str] = field(default_factory=dict)
    remarks: list[Finding] = field(default_factory=list)


Names = dict[str, list[str]]  # the files of a folder by their name without extension


def find_pairs(root: Path, files: Sequence[str]) -> Pairs:
    """Pair the images below a folder with masks of the same name.

    Raises:
        DataError: a list names what is not there, or an image in two splits.
    """
    pairs = Pairs()
    by_folder: dict[str, Names] = {}
    for path in files:
        folder, _, name = path.rpartition("/")
        stem = os.path.splitext(name)[0]  # noqa: PTH122 - plain text
        by_folder.setdefault(folder, {}).setdefault(stem, []).append(path)
    others: list[tuple[str, str, str]] = []
    used: set[str] = set()
    for folder, names in by_folder.items():
        twins = list(dict.fromkeys(one for one in mask_folders(folder) if one in by_folder))
        fitting = [one for one in twins if any(_masks_of(stem, by_folder[one]) for stem in names)]
        if not twins:
            continue
        others += [(folder, fitting[0], one) for one in fitting[1:]]
        used |= _pair_folder(names, by_folder[(fitting or twins)[0]], pairs)
        split = _split_of(folder)
        if split is not None:
            pairs.splits |= {path: split for paths in names.values() for path in paths}
    pairs.bare = [path for path in pairs.bare if path not in used]
    _read_lists(root, files, pairs)
    if others:
        columns = zip(*others, strict=True)
        folders, taken, left = (shorten([printable(one) for one in dict.fromkeys(column)]) for column in columns)
        detail = (
            f"{folders} could take masks from another folder too: taken is {taken}, left out is {left}. Move one of "
            "them away, or pair images and masks in train.txt."
        )
        pairs.remarks.append(Finding("warning", "other-masks", "", detail))
    return pairs


def _pair_folder(pictures: Names, masks: Names, pairs: Pairs) -> set[str]:
    """Pair the images of one folder with the masks of another, and return these masks."""
    used: set[str] = set()
    for stem, paths in pictures.items():
        found = _masks_of(stem, masks)
        used.update(found)
        if not found:
            pairs.bare += paths
        elif len(found) > 1:
            reason = f"has two masks, {printable(found[0])} and {printable(found[1])}"
            pairs.unclear |= dict.fromkeys(paths, reason)
        elif len(paths) > 1:
            for path in paths:
                other = printable(next(one for one in paths if one != path))
                pairs.unclear[path] = f"has the mask {printable(found[0])} in common with {other}"
        else:
            pairs.masks[paths[0]] = found[0]
    return used


def _masks_of(stem: str, masks: Names) -> list[str]:
    """Return the masks of an image's name: one, or several that differ in the extension only."""
    return next((masks[stem + end] for end in MASK_ENDINGS if stem + end in masks), [])


def mask_folders(folder: str) -> Iterator[str]:
    """Yield the folders that may hold the masks of a folder of images: images -> masks, train -> trainannot."""
    parts = folder.split("/")
    for position in range(len(parts) - 1, -1, -1):
        before, part, after = parts[:position], parts[position], parts[position + 1 :]
        if not part:
            continue
        if part.lower() in IMAGE_FOLDERS:
            yield from ("/".join([*before, name, *after]) for name in MASK_SPELLINGS)
        yield "/".join([*before, part + "annot", *after])


def _split_of(folder: str) -> str | None:
    """Return the split that a part of the path names."""
    return next((SPLIT_BY_NAME[part.lower()] for part in folder.split("/") if part.lower() in SPLIT_BY_NAME), None)


def _read_lists(root: Path, files: Sequence[str], pairs: Pairs) -> None:
    """Apply train.txt, val.txt and test.txt: a line is an image, its name without extension, or image and mask."""
    by_name: dict[str, str] = {}
    for path in [*pairs.masks, *pairs.bare]:
        for key in _keys(path):
            by_name[key] = path if by_name.get(key, path) == path else ""  # "": more than one image has the name
    for path in pairs.unclear:  # has its complaint already; a list that names it is not wrong besides
        for key in _keys(path):
            by_name.setdefault(key, path)
    ends = PathEnds(files)
    listed: dict[str, str] = {}
    for place in LIST_PLACES:
        for file in sorted((root / place).glob("*.txt")) if (root / place).is_dir() else []:
            split = SPLIT_BY_NAME.get(file.stem.lower())
            if split is None:
                continue
            for picture in _listed_pictures(file, ends, by_name, pairs):
                if listed.setdefault(picture, split) != split:
                    raise DataError(
                        f"{printable(file)}: {printable(picture)} is in {listed[picture]} too (leak between splits)."
                    )
    pairs.splits |= listed


def _keys(path: str) -> tuple[str, ...]:
    """Return what a list may call an image: its path or name, with its extension or without."""
    stem = os.path.splitext(path)[0]  # noqa: PTH122 - plain text
    return path, stem, PurePosixPath(path).name, PurePosixPath(stem).name


class PathEnds:
    """Finds files by a path of another machine: the one whose own path is the longest end of it."""

    def __init__(self, files: Sequence[str]) -> None:
        self._files = files
        self._known = frozenset(files)

    def find(self, path: str) -> str:
        """Return the file, always one of the set; "" for none, and where several have that end."""
        if path in self._known:
            return path
        parts = path.replace("\\", "/").split("/")
        for start in range(len(parts)):
            found = self._by_end.get("/".join(parts[start:]))
            if found is not None:
                return found
        return ""

    @cached_property
    def _by_end(self) -> dict[str, str]:
        """Return the whole path and each end of it with a folder -> file, "" for several."""
        ends: dict[str, str] = {}
        for file in self._files:
            parts = file.split("/")
            for start in range(max(len(parts) - 1, 1)):  # a name alone may be an image's and its mask's
                end = "/".join(parts[start:])
                ends[end] = file if ends.get(end, file) == file else ""
        return ends | {file: file for file in self._files}


def _listed_pictures(file: Path, ends: PathEnds, by_name: dict[str, str], pairs: Pairs) -> Iterator[str]:
    """Yield the image of each line of a list, and note the mask where the line gives one."""
    for number, line in enumerate(os.fsdecode(file.read_bytes()).splitlines(), start=1):
        text = line.strip()
        if not text:
            continue
        words = [text] if text in by_name else text.split()
        words = [word.removeprefix("./") for word in words]
        picture = by_name.get(words[0]) or ends.find(words[0])
        if not picture or not _is_picture(picture) or len(words) > 2:
            raise DataError(
                f"{printable(file)} line {number}: {printable(text)!r} is no image with a mask below this folder, or "
                "several have the name. Write 'image mask' with paths from there."
            )
        if len(words) == 2:
            _note_mask(picture, words[1], ends, pairs, where=f"{printable(file)} line {number}")
        yield picture


def _note_mask(picture: str, word: str, ends: PathEnds, pairs: Pairs, *, where: str) -> None:
    """Take the mask that a line gives to its image."""
    mask = ends.find(word)
    if not mask:
        raise DataError(f"{where}: no mask {printable(word)!r} below this folder.")
    if mask == picture:
        raise DataError(f"{where}: {printable(word)!r} is the image itself, not its mask. Write 'image mask'.")
    pairs.masks[picture] = mask
    pairs.unclear.pop(picture, None)
    pairs.bare = [path for path in pairs.bare if path != picture]


def _is_picture(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in EXTENSIONS  # noqa: PTH122 - plain text
