"""Tasks: the loss, the decoding and the metric of each; another one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable

from vision_ft.errors import RecipeError, did_you_mean
from vision_ft.tasks import classification, detection, multilabel, multitask, regression, segmentation
from vision_ft.tasks.spec import Loss, TaskSpec
from vision_ft.types import CLASSIFICATION

TASKS: dict[str, TaskSpec] = {
    "classification": classification.TASK,
    "multilabel": multilabel.TASK,
    "multitask": multitask.TASK,
    "segmentation": segmentation.TASK,
    "detection": detection.TASK,
    "regression": regression.TASK,
}


def register_loss(name: str, build: Callable[..., Loss], *, task: str = CLASSIFICATION) -> None:
    """Make a loss available as `optim.loss=name`.

    Args:
        name: in recipes.
        build: `build(class_counts, ...) -> loss` with `loss(outputs, target) -> Tensor ()`. Where `build` takes them,
            it gets `imbalance` and `label_smoothing` of the recipe, and of label columns `sizes`, the classes of each.
        task: whose outputs it reads.

    Raises:
        RecipeError: the name is taken, the task is unknown, or its heads bring their own losses.
    """
    if task not in TASKS:
        raise RecipeError(f'task: "{task}" is unknown.{did_you_mean(task, TASKS)} Allowed: {", ".join(TASKS)}.')
    losses = TASKS[task].losses
    if losses is None:
        raise RecipeError(f'loss "{name}": the heads of {task} bring their own losses. Register a head instead.')
    losses.register(name, build)
