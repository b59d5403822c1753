"""Section `optim`: optimiser, schedule, batch, and how the best epoch is chosen."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vision_ft.config.fields import Name, NotNegative, Positive, PositiveInt, Section, Share


class OptimConfig(Section):
    """Optimiser, schedule, batch, and how the best epoch is chosen."""

    name: Literal["adamw", "sgd"] = Field(default="adamw", description="Optimiser.")
    lr: Positive | None = Field(
        default=None, description="Peak learning rate of the top group; null: adamw 1e-4 (masks 3e-4), sgd 1e-2."
    )
    head_lr: Positive | None = Field(
        default=None,
        description="Peak learning rate of phases of the head alone; null: adamw 3e-3 (boxes 1e-3), sgd 0.1.",
    )
    weight_decay: NotNegative = Field(
        default=0.05, description="Weight decay per step; not applied to norms and biases."
    )
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=32, description="Images a batch, over all devices together."
    )
    accumulate: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1, description="Batches whose gradients form one step."
    )
    warmup: Share = Field(
        default=0.1, description="Share of each phase's steps in which the learning rate rises from 0."
    )
    clip: Positive | None = Field(default=1.0, description="Largest norm of the gradient; null: no clipping.")
    label_smoothing: Share = Field(
        default=0.0, description="Probability taken from the true class and spread over all."
    )
    ema: Literal["auto"] | bool = Field(
        default="auto", description='Moving average of the weights; "auto": from 500 steps on.'
    )
    momentum: Share = Field(default=0.9, description="Momentum of sgd.")
    patience: PositiveInt | None = Field(
        default=None, description="Epochs without a better metric before stopping; null: never."
    )
    metric: Name = Field(
        default="auto", description='Validation metric that chooses the best epoch; "auto": the task\'s own.'
    )
    loss: Name = Field(default="auto", description='Training loss; "auto": the first of the task.')
    imbalance: Literal["none", "weights", "sampler", "logit-adjust"] = Field(
        default="none", description="What is done about unequal classes: loss weights, resampling, or adjusted logits."
    )
    batchnorm: Literal["auto", "train", "eval"] = Field(
        default="auto",
        description='BatchNorm statistics of trained groups; "auto": kept for pretrained weights, else moving.',
    )
