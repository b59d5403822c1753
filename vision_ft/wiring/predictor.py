"""The trained model of a run as the predictor of its task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vision_ft.deploy.predictor import ImagePredictor
from vision_ft.errors import ModelError
from vision_ft.models.folder import CONFIG_FILE, KEY, load_model
from vision_ft.tasks import TASKS
from vision_ft.types import DEFAULT_TASK

AnyPredictor = ImagePredictor[Any]


def load_predictor(run: str | Path, *, device: str = "cpu") -> AnyPredictor:
    """Load the model of a run folder, or a model folder itself, as the predictor of its task.

    Raises:
        ModelError: there is no model, or its files are damaged.
    """
    folder = model_folder(run)
    model, classes, preprocessing, extra = load_model(folder)
    predictor = predictor_of(folder)
    return predictor.from_saved(model, classes=classes, preprocessing=preprocessing, extra=extra, device=device)


def predictor_of(run: str | Path) -> type[AnyPredictor]:
    """Return the class of a run's predictor, without loading the model.

    Raises:
        ModelError: there is no model, its config.json cannot be read, or no task is called as it says.
    """
    file = model_folder(run) / CONFIG_FILE
    try:
        own = json.loads(file.read_text(encoding="utf-8")).get(KEY) or {}
        task = str(own.get("task", DEFAULT_TASK))
    except (ValueError, AttributeError) as err:
        raise ModelError(f"{file}: not readable as JSON ({err}). Copy the run's model folder again.") from err
    if task not in TASKS:
        raise ModelError(f'{file}: its task is "{task}"; known are {", ".join(TASKS)}. Is a newer version needed?')
    return TASKS[task].predictor


def model_folder(run: str | Path) -> Path:
    """Return the model folder of a run, or the folder itself where it is one.

    Raises:
        ModelError: there is no model.
    """
    folder = Path(run)
    if (folder / "model").is_dir():
        folder = folder / "model"
    if not (folder / CONFIG_FILE).is_file():
        raise ModelError(f"{run}: no trained model here (model/config.json is missing). Give a finished run's folder.")
    return folder
