"""The recipe: every setting of a run, typed, frozen and closed, each with its one default and its meaning."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from vision_ft.config.by_task import BY_TASK
from vision_ft.config.fields import (
    AS_TEXT,
    Name,
    NotNegative,
    Number,
    Options,
    Positive,
    PositiveInt,
    Section,
    Share,
    Side,
)
from vision_ft.types import Task


class DataConfig(Section):
    """Where the pictures are, how they are labelled and how they are split."""

    path: Name = Field(description="Folder of pictures or index file; looked up from here, then beside the recipe.")
    root: Name | None = Field(
        default=None, description="Folder that the paths of an index file start from; null: the file's own folder."
    )
    format: Name = Field(
        default="auto", description='Dataset format, such as "imagefolder" or "csv"; "auto" looks at the data.'
    )
    label_column: Name = Field(default="label", description="Column of an index file that holds the class name.")
    label_columns: list[Name] | None = Field(default=None, description="Columns of labels: multilabel, multitask.")
    label_separator: Literal["auto", ";", "|", ",", " "] = Field(
        default="auto", description='Multilabel: what separates the labels of one cell; "auto" looks at the cells.'
    )
    path_column: Name = Field(default="path", description="Column of an index file that holds the picture's path.")
    split_column: Name | None = Field(
        default=None, description='Column that holds train, val or test; null: "split" if present.'
    )
    group_column: Name | None = Field(
        default=None, description='Column of what must not cross splits; null: "group" if present.'
    )
    class_table: Name | None = Field(
        default=None, description="File with the classes of masks and their values or colours; null: in the folder."
    )
    mask_threshold: Annotated[float, Field(gt=0, le=1), AS_TEXT] | None = Field(
        default=None, description="Soft masks: the share of white from which a pixel is foreground; null: exact values."
    )
    group_pattern: Name | None = Field(
        default=None, description="Takes the group from the relative path, as in '{camera}/{label}/{sequence}_*'."
    )
    group_by: list[Name] | None = Field(
        default=None, description="Fields of group_pattern that form the group; null: all but label."
    )
    val: Share = Field(
        default=0.15, description="Share of the pictures kept for validation, where the data gives no split."
    )
    test: Share = Field(
        default=0.15, description="Share of the pictures kept for the test, where the data gives no split."
    )
    on_bad: Literal["fail", "drop"] = Field(
        default="fail", description="What a broken picture does: stop the run, or be left out."
    )
    max_pixels: PositiveInt = Field(
        default=100_000_000, description="Largest picture that is decoded, in pixels (width x height)."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.val + self.test >= 1:
            raise ValueError(
                f"val {self.val} and test {self.test} leave nothing to train on: their sum must be below 1"
            )
        if self.group_by is not None and self.group_pattern is None:
            raise ValueError("group_by names fields of group_pattern, which is not set: add group_pattern")
        return self


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
    in_chans: Literal[1, 3] = Field(default=3, description="Channels that pictures are read as: 1 grey, 3 RGB.")
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
        default=None, description="Share of the resized picture that the centre crop keeps; null: the backbone's own."
    )
    args: Options = Field(default_factory=dict, description="Further arguments of timm.create_model.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values is not None and len(values) != self.in_chans:
                raise ValueError(f"{name} has {len(values)} values for {self.in_chans} channels: give one a channel")
        return self


class StrategyConfig(Section):
    """Which parts of the model train, and when."""

    name: Name = Field(default="gradual-unfreeze", description="Strategy, by its name in the registry of strategies.")
    epochs: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="Passes over the training pictures in all phases; null: the strategy's own default."
    )
    options: Options = Field(default_factory=dict, description="Further arguments of the strategy's plan.")


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
        default=32, description="Pictures a batch, over all devices together."
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
        default="macro_f1", description="Validation metric that chooses the best epoch; by default the task's first."
    )
    loss: Name = Field(default="auto", description='Training loss; "auto": the first of the task.')
    imbalance: Literal["none", "weights", "sampler", "logit-adjust"] = Field(
        default="none", description="What is done about unequal classes: loss weights, resampling, or adjusted logits."
    )
    batchnorm: Literal["auto", "train", "eval"] = Field(
        default="auto",
        description='BatchNorm statistics of trained groups; "auto": kept for pretrained weights, else moving.',
    )


class AugmentConfig(Section):
    """What the training pictures go through."""

    preset: Name = Field(
        default="auto", description='Preset by name; "auto": light under 1,000 pictures, medium from there on.'
    )
    mixup: NotNegative = Field(default=0.0, description="Alpha of mixup's Beta distribution; 0: off.")
    cutmix: NotNegative = Field(default=0.0, description="Alpha of cutmix's Beta distribution; 0: off.")
    views: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1, description="Views of each picture cached for feature extraction; the first is not augmented."
    )


class RunConfig(Section):
    """Where the run is kept and what it runs on."""

    out: Name | None = Field(default=None, description="Run folder; null: a new folder below runs/.")
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = Field(default=0, description="Seed of every random choice.")
    device: Name = Field(default="auto", description='"auto", "cpu", "cuda" or "mps".')
    devices: Annotated[int, Field(ge=1, le=4096)] = Field(
        default=1, description="Number of devices that train together."
    )
    precision: Name = Field(
        default="auto", description='Number format of the training: "auto", "32-true", "bf16-mixed", ...'
    )
    workers: Annotated[int, Field(ge=0, le=1024)] | Literal["auto"] = Field(
        default="auto", description="Processes that load pictures; 0: the training process itself."
    )
    cache: bool = Field(
        default=True, description="Whether features and decoded pictures are kept for later phases and runs."
    )
    decoded_budget_mb: Annotated[int, Field(ge=0)] = Field(
        default=2048, description="Memory or disk for decoded pictures in MB; 0: decode each time."
    )
    maps_budget_mb: Annotated[int, Field(ge=0)] = Field(
        default=4096, description="Disk for cached maps of a frozen backbone in MB; 0: compute them in each epoch."
    )


class AdaptConfig(Section):
    """Retraining on a new camera: what it starts from, what it must keep, and which candidates are made."""

    source: Name | None = Field(default=None, description="Run folder of the model that the new camera starts from.")
    keep: Name | None = Field(
        default=None, description="Pictures of the old cameras; null: those that the source run lists."
    )
    keep_group_pattern: Name | None = Field(
        default=None, description="Takes the group of the pictures in keep from their path; null: data.group_pattern."
    )
    data_root: Name | None = Field(
        default=None, description="Where the pictures of the source run lie now, if they moved."
    )
    labels: PositiveInt | None = Field(
        default=None, description="Labelled pictures of the new camera that may be used for training and choosing."
    )
    max_forgetting: Share = Field(
        default=0.01, description="Largest loss on the old cameras, as a share, that a recommended model may have."
    )
    metric: Name = Field(
        default="auto", description='What is gained on the new and may not be lost on the old; "auto": the task\'s.'
    )
    candidates: list[Name] | None = Field(
        default=None, description="Candidates that are made besides the source; null: all but those on request."
    )
    rehearsal: Share = Field(default=0.25, description="Share of each batch that old pictures fill while fine-tuning.")
    memory: PositiveInt = Field(default=500, description="Old pictures that are rehearsed, the same of each class.")
    memory_choice: Literal["herding", "random"] = Field(
        default="herding", description="How the rehearsed pictures are chosen."
    )
    anchor: NotNegative = Field(
        default=1.0, description="Strength of the pull toward the source's weights (L2-SP); 0: none."
    )
    min_steps: PositiveInt = Field(
        default=60, description="Fewest optimiser steps of a fine-tuning candidate; few pictures are seen more often."
    )
    batchnorm_prior: NotNegative = Field(
        default=1024.0, description="Pictures that the source's BatchNorm statistics count for when they are mixed."
    )
    confidence: Share = Field(default=0.9, description="Least confidence of a pseudo-label.")
    next_labels: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=50, description="Pictures that to_label.csv proposes to label next."
    )


class Recipe(Section):
    """All that decides a run."""

    task: Task = Field(
        default="classification",
        description="What the model answers: one label, several labels, a label a column, a mask, or boxes.",
    )
    data: DataConfig
    model: ModelConfig = Field(default_factory=ModelConfig)
    strategy: StrategyConfig = Field(default_factory=StrategyConfig)
    optim: OptimConfig = Field(default_factory=OptimConfig)
    augment: AugmentConfig = Field(default_factory=AugmentConfig)
    run: RunConfig = Field(default_factory=RunConfig)
    adapt: AdaptConfig = Field(default_factory=AdaptConfig)

    @model_validator(mode="before")
    @classmethod
    def _fill_in_by_task(cls, given: Any) -> Any:
        """Give head and metric the defaults of the task, so that the stored recipe states them."""
        if not isinstance(given, dict) or given.get("task") not in BY_TASK:
            return given
        filled = dict(given)
        for section, defaults in BY_TASK[given["task"]].items():
            if isinstance(filled.get(section, {}), dict):
                filled[section] = {**defaults, **filled.get(section, {})}
        return filled
