"""Section `model`: backbone, head, and the preprocessing where it differs from the backbone's own."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vision_ft.config.fields import AS_TEXT, Name, Number, Options, Positive, Section, Share, Side


class ModelConfig(Section):
    """Backbone, head, and the preprocessing where it differs from the backbone's own."""

    backbone: Name = Field(default="resnet50", description='Any timm name, "hf-hub:owner/name" or "local-dir:folder".')
    pretrained: bool | Name = Field(
        default=True, description="true: weights from the hub; false: random; text: a weights file."
    )
    head: Name = Field(
        default="linear", description="Head on the backbone, by its name in the registry; by default the task's first."
    )
    dropout: Share = Field(
        default=0.0, description="Share of the pooled features dropped before the head while training."
    )
    drop_path: Share = Field(
        default=0.0, description="Share of residual branches skipped while training (stochastic depth)."
    )
    head_args: Options = Field(default_factory=dict, description="Further arguments of the head, such as its width.")
    image_size: Side | Annotated[list[Side], Field(min_length=2, max_length=2)] | None = Field(
        default=None,
        description="Side of the square input in pixels, or [height, width]; null: the backbone's own.",
    )
    in_chans: Literal[1, 3] = Field(default=3, description="Channels that images are read as: 1 grey, 3 RGB.")
    mean: list[Number] | None = Field(
        default=None, description="Mean of each channel in [0, 1]; null: the backbone's own."
    )
    std: list[Positive] | None = Field(
        default=None, description="Standard deviation of each channel; null: the backbone's own."
    )
    interpolation: Name | None = Field(
        default=None, description='Filter of the resize, such as "bicubic"; null: the backbone\'s.'
    )
    crop_pct: Annotated[float, Field(gt=0, le=1), AS_TEXT] | None = Field(
        default=None, description="Share of the resized image that the centre crop keeps; null: the backbone's own."
    )
    args: Options = Field(default_factory=dict, description="Further arguments of timm.create_model.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values is not None and len(values) != self.in_chans:
                raise ValueError(f"{name} has {len(values)} values for {self.in_chans} channels: give one a channel")
        return self
