"""The one value that every section of the report reads: a run, with what it left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vision_ft.reporting.collect.split import Split


@dataclass(frozen=True)
class RunView:
    """A run as the report sees it; what the run did not leave behind is empty.

    Attributes:
        name: of the run folder or the predictions file.
        task: which page of `pages.PAGES` shows it.
        classes: names of the class indices; see `label_sets` and `columns` for several labels per image.
        splits: by name, in the order of display.
        picture: absolute path of an image from its path in the predictions.
        outputs: what the model chooses from, as in "4 classes".
        log: the lines of log.jsonl.
        plan: plan.json.
        findings: rows of findings.csv.
        environment: environment.json.
        selection: what was chosen on val, from metrics.json.
        recipe: text of recipe.yaml.
        counts: images of each split in data.parquet.
        augmentation: the grid of augmented images.
        adaptation: adaptation.json, of a run that was adapted to a new camera.
        problems: files of the run that could not be read, in words.
    """

    name: str
    task: str
    classes: tuple[str, ...]
    splits: Mapping[str, Split]
    picture: Callable[[str], Path]
    outputs: str = ""
    log: tuple[Mapping[str, Any], ...] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Mapping[str, str], ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    selection: Mapping[str, Any] = field(default_factory=dict)
    recipe: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    augmentation: Path | None = None
    adaptation: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def main(self) -> Split:
        """The split that the report opens with."""
        return next(iter(self.splits.values()))

    @property
    def epochs(self) -> list[Mapping[str, Any]]:
        """The lines of the log that are about an epoch."""
        return [record for record in self.log if isinstance(record.get("epoch"), int)]
