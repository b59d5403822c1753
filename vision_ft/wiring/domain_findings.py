"""What is said of the images of old and new cameras before anything is made of them."""

from __future__ import annotations

from vision_ft.data.labelled import is_labelled, names_present
from vision_ft.data.labels import shorten
from vision_ft.data.table import SampleTable
from vision_ft.types import SPLITS, ClassSpace, Finding


def about_old(old: SampleTable | None) -> list[Finding]:
    """Say what cannot be measured for want of old images that the source model has not learned from."""
    if old is None:
        return []
    use = {"val": "the limit of forgetting cannot restrict the choice", "test": "what was forgotten is not verified"}
    return [
        Finding("warning", f"no-old-{split}", "", f"the old cameras have no labelled {split} images: {lacking}.")
        for split, lacking in use.items()
        if not is_labelled(old)[old.rows(split)].any()
    ]


def about_classes(new: SampleTable, known: ClassSpace) -> list[Finding]:
    """Say what the new camera lacks: labels, classes, images."""
    names = names_present(new)
    findings = []
    unlabelled = int((~is_labelled(new)).sum())
    if unlabelled:
        detail = f"{unlabelled} of {len(new)} images of the new camera have no label."
        findings.append(Finding("info", "unlabelled", "", detail))
    absent = [name for name in known.names if names and name not in names]
    if absent:
        detail = f"the new camera has no image of {shorten(absent)}; the model keeps these classes."
        findings.append(Finding("warning", "class-absent-on-new", "", detail))
    added = [name for name in names if name not in known.names]
    if added:
        findings.append(Finding("warning", "class-added", "", f"the model learns the classes {shorten(added)}."))
    if len(new) < len(known):
        detail = f"{len(new)} images for {len(known)} classes: too few to measure each class."
        findings.append(Finding("warning", "few-pictures", "", detail))
    counts = {split: len(new.rows(split)) for split in SPLITS}
    if not counts["test"]:
        detail = "the new camera has no test images: the result on it cannot be verified."
        findings.append(Finding("warning", "no-test", "", detail))
    return findings
