"""The heads by the name a recipe gives them: one file and one line here each, or `register_head`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from vision_ft.plugins.registry import Registry
from vision_ft.types import CLASSIFICATION, HeadSpec, Task

if TYPE_CHECKING:  # importing torch takes seconds
    from torch import Tensor, nn

HEADS: Registry[HeadSpec] = Registry(
    "head",
    key="model.head",
    built_in={
        "linear": "vision_ft.models.heads.linear:SPEC",
        "mlp": "vision_ft.models.heads.mlp:SPEC",
        "cosine": "vision_ft.models.heads.cosine:SPEC",
        "fpn": "vision_ft.models.heads.fpn:SPEC",
        "unet": "vision_ft.models.heads.unet:SPEC",
        "fcos": "vision_ft.models.heads.fcos:SPEC",
        "faster-rcnn": "vision_ft.models.heads.faster_rcnn:SPEC",
    },
)


def register_head(
    name: str,
    build: Callable[..., nn.Module],
    *,
    task: Task = CLASSIFICATION,
    takes: Literal["pooled", "pyramid"] = "pooled",
    levels: Sequence[int] = (4, 8, 16, 32),
    extend: Callable[[dict[str, Tensor], int], dict[str, Tensor]] | None = None,
) -> None:
    """Make a head available as `model.head=name`.

    Args:
        name: in recipes.
        build: a class or function `build(channels, num_classes, *, dropout, ...)` that gives a module from features
            (B, D) to logits (B, K); for maps `build(channels, strides, num_classes, *, dropout, ...)`, see `HeadSpec`.
            Its further arguments are set with model.head_args.
        task: the task it is for; heads of classification serve several labels and label columns too.
        takes: "pooled" for the vector, "pyramid" for maps.
        levels: strides of the maps that a pyramid head reads, fine to coarse.
        extend: state of the head and a number of classes -> state of a head with so many classes more, for classes
            that only a new camera has; `extend_last_layer` of `vision_ft.models.heads.extending` makes one. Without
            it, adapting refuses them.

    Raises:
        RecipeError: the name is taken.
    """
    HEADS.register(name, HeadSpec(task=task, takes=takes, build=build, levels=tuple(levels), extend=extend))
