"""The few values that travel between the parts of the package.

Shape legend, used in every docstring: B batch, C channels, H height, W width, N boxes or samples, K classes,
D features. Pictures in numpy are (H, W, C) uint8; tensors are (B, C, H, W) float32, normalised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from vision_ft.errors import DataError

if TYPE_CHECKING:  # importing torch takes seconds; the names below are needed by the type checker only
    from torch import Tensor, nn

Task = Literal["classification", "multilabel", "multitask", "segmentation", "detection", "regression"]
TASK_NAMES: tuple[Task, ...] = get_args(Task)
CLASSIFICATION, MULTILABEL, MULTITASK, SEGMENTATION, DETECTION, REGRESSION = TASK_NAMES  # each name is written once
DEFAULT_TASK: Task = CLASSIFICATION
Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
COUNTED, DIFFICULT, CROWD = 0, 1, 2  # marks of true boxes: hit or missed; only learned from; neither
UNLABELLED = -1  # class index of a picture or pixel whose class is not known


@dataclass(frozen=True)
class ClassSpace:
    """The classes of a task, by name; a class index is only ever a position in `names`."""

    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def index_of(self, names: Sequence[str], *, where: str) -> list[int]:
        """Map class names to indices of this space.

        Raises:
            DataError: a name is not in this space; both lists are shown.
        """
        position = {name: index for index, name in enumerate(self.names)}
        unknown = sorted(set(names) - set(position))
        if unknown:
            raise DataError(
                f"{where}: classes {unknown} are unknown to the model, which knows {list(self.names)}. "
                "Rename the classes of the data, or train a model that has them."
            )
        return [position[name] for name in names]


@dataclass(frozen=True)
class LabelColumn:
    """One of several questions that a multi-task model answers; its outputs follow those of the column before.

    Attributes:
        name: of the column.
        classes: names of its label indices.
    """

    name: str
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the tensor a backbone was trained on; saved with the weights.

    Attributes:
        size: (C, H, W) of the tensor.
        crop_pct: share of the resized picture that the centre crop keeps.
        crop_mode: timm's crop mode: "center", "squash" or "border".
        interpolation: Pillow filter of the resize: "bicubic", "bilinear", "lanczos", "nearest".
        mean: per-channel mean in [0, 1], subtracted after scaling to [0, 1].
        std: per-channel standard deviation in [0, 1].
    """

    size: tuple[int, int, int]
    crop_pct: float
    crop_mode: str
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Target:
    """What the model should answer for a batch; the fields of other tasks stay None.

    Attributes:
        labels: (B,) int64 class indices, or (B, K) float class shares after mixup or cutmix; of several labels a
            picture (B, K) float, 1 where a label applies, 0 where not, NaN where it is not known; of several label
            columns (B, T) int64, -1 where the label is missing.
        masks: (B, H, W) int64 class index of each pixel, -1 where it does not count.
        boxes: B tensors (N, 4), x1 y1 x2 y2 in pixels of the batch's pictures.
        box_labels: B tensors (N,) int64.
        box_marks: B tensors (N,) int64: `COUNTED`, `DIFFICULT` or `CROWD`; None where all are counted.
    """

    labels: Tensor | None = None
    masks: Tensor | None = None
    boxes: tuple[Tensor, ...] | None = None
    box_labels: tuple[Tensor, ...] | None = None
    box_marks: tuple[Tensor, ...] | None = None


@dataclass(frozen=True)
class Batch:
    """Pictures with their targets.

    Attributes:
        images: (B, C, H, W) float32, normalised; or (B, D) cached: pooled features, or maps in a row.
        target: what the model should answer.
        ids: (B,) int64 row numbers in the sample table.
    """

    images: Tensor
    target: Target
    ids: Tensor


@dataclass(frozen=True)
class Detections:
    """The objects that a model sees in one picture, most certain first.

    Attributes:
        boxes: (M, 4) float32, x1 y1 x2 y2 in pixels of the model's input.
        scores: (M,) float32 in [0, 1].
        labels: (M,) int64 class indices.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Features:
    """What a backbone hands to a head.

    Attributes:
        pooled: (B, D) vector, the input of timm's own classifier.
        pyramid: maps (B, C, H, W) from fine to coarse; empty when the head asked for `pooled` only.
    """

    pooled: Tensor | None = None
    pyramid: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class HeadSpec:
    """A head as the registry holds it.

    Attributes:
        task: the task the head answers.
        takes: which part of `Features` it reads.
        build: `build(channels, num_classes, *, dropout)` for pooled heads (channels: D);
            `build(channels, strides, num_classes, *, dropout, **options)` for pyramid heads.
        levels: strides of the maps that a pyramid head reads, fine to coarse.
        is_linear: whether it is one affine map of the pooled vector, which can be fitted at once instead of trained.
        extend: state of the head and a number of classes -> state of a head with so many classes more, which are not
            predicted before they are learned; None where classes cannot be added.
    """

    task: Task
    takes: Literal["pooled", "pyramid"]
    build: Callable[..., nn.Module]
    levels: tuple[int, ...] = (4, 8, 16, 32)
    is_linear: bool = False
    extend: Callable[[dict[str, Tensor], int], dict[str, Tensor]] | None = None


@dataclass(frozen=True)
class Phase:
    """One stretch of training with a fixed set of trainable parameter groups.

    Attributes:
        name: what the log and the report call it.
        epochs: passes over the training pictures; 0 only with the "convex" solver.
        lr_scale: group name -> multiplier of the base learning rate; a group that is absent is frozen.
        solver: "gradient" for epochs of the configured optimiser, "convex" for L-BFGS logistic regression of a
            linear head on cached features.
    """

    name: str
    epochs: int
    lr_scale: Mapping[str, float]
    solver: Literal["gradient", "convex"] = "gradient"


@dataclass(frozen=True)
class Strategy:
    """A fine-tuning strategy as the registry holds it.

    Attributes:
        plan: pure function `plan(groups, epochs, **options) -> list[Phase]`; `groups` are ordered from input to head.
        interpolate: whether the tuned weights are averaged with the head-only ones, alpha chosen on val (WiSE-FT).
        epochs: default number of epochs.
    """

    plan: Callable[..., list[Phase]]
    interpolate: bool
    epochs: int


@dataclass(frozen=True)
class Finding:
    """One thing the audit saw.

    Attributes:
        level: "error" stops training (or drops the picture), "warning" is said loudly, "info" is listed.
        kind: a stable short name such as "corrupt" or "exact-duplicate".
        path: the picture, relative to the data's root; "" for a finding about the whole set.
        detail: a sentence with the numbers or the other file.
    """

    level: Literal["error", "warning", "info"]
    kind: str
    path: str
    detail: str
