"""The run that an adaptation starts from: its model, its images, and the chain of runs behind it. Only read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vision_ft.config import Recipe
from vision_ft.data.table import SampleTable
from vision_ft.errors import ModelError, RecipeError
from vision_ft.models.assemble import VisionModel
from vision_ft.models.folder import CONFIG_FILE, KEY, WEIGHTS_FILE, load_model
from vision_ft.models.source import read_config
from vision_ft.run_folder import RunFolder, read_json
from vision_ft.types import DEFAULT_TASK, ClassSpace, LabelColumn


@dataclass(frozen=True)
class Source:
    """A run to start from.

    Attributes:
        folder: its run folder.
        model: its model, in evaluation mode.
        classes: what the model knows.
        model_hash: of the weights file.
        columns: label columns that the outputs fall into, where they do.
    """

    folder: RunFolder
    model: VisionModel
    classes: ClassSpace
    model_hash: str
    columns: tuple[LabelColumn, ...] = ()

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.folder.path.resolve().name

    def table(self, root: Path | None) -> SampleTable | None:
        """Return the images that the run lists, looked up below `root` if they moved; None when it lists none."""
        return SampleTable.read(self.folder.data, root=root) if self.folder.data.is_file() else None

    def lineage(self) -> list[dict[str, Any]]:
        """Return the chain of runs up to this one, oldest first."""
        document = self.folder.path / "adaptation.json"
        if document.is_file():
            return list(read_json(document)["lineage"])
        environment = read_json(self.folder.environment) if self.folder.environment.is_file() else {}
        fact = {"run": str(self.folder.path), "model_hash": self.model_hash, "data": environment.get("data")}
        return [fact | {"decision": "trained"}]


def open_source(recipe: Recipe) -> Source:
    """Read the model of the source run.

    Raises:
        RecipeError: no source is named.
        ModelError: it has no model, a damaged one, or one of another task.
    """
    if recipe.adapt.source is None:
        raise RecipeError("adapt.source is missing: name the run to start from, as in 'vision-ft adapt RUN NEW'.")
    folder = RunFolder(Path(recipe.adapt.source))
    if not (folder.model / CONFIG_FILE).is_file():
        raise ModelError(
            f"{folder.path}: no trained model here (model/{CONFIG_FILE} is missing). Give the folder of a finished run."
        )
    task = (read_config(folder.model / CONFIG_FILE).get(KEY) or {}).get("task", DEFAULT_TASK)
    if task != recipe.task:
        raise ModelError(
            f"{folder.path}: the task of its model is {task}, but {recipe.task} is to be adapted. Give a run of this "
            f"task, or set task={task}."
        )
    model, classes, _, extra = load_model(folder.model)
    columns = tuple(LabelColumn(str(item["name"]), tuple(item["classes"])) for item in extra.get("tasks") or ())
    return Source(folder, model.eval(), classes, hash_weights(folder), columns)


def hash_weights(folder: RunFolder) -> str:
    """Return a hash of a run's weights file."""
    with (folder.model / WEIGHTS_FILE).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:32]
