"""Section `adapt`: retraining on a new camera."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vision_ft.config.fields import Name, NotNegative, PositiveInt, Section, Share


class AdaptConfig(Section):
    """Retraining on a new camera: what it starts from, what it must keep, and which candidates are made."""

    source: Name | None = Field(default=None, description="Run folder of the model that the new camera starts from.")
    keep: Name | None = Field(
        default=None, description="Images of the old cameras; null: those that the source run lists."
    )
    keep_group_pattern: Name | None = Field(
        default=None, description="Takes the group of the images in keep from their path; null: data.group_pattern."
    )
    data_root: Name | None = Field(
        default=None, description="Where the images of the source run lie now, if they moved."
    )
    labels: PositiveInt | None = Field(
        default=None, description="Labelled images of the new camera that may be used for training and choosing."
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
    rehearsal: Share = Field(default=0.25, description="Share of each batch that old images fill while fine-tuning.")
    memory: PositiveInt = Field(default=500, description="Old images that are rehearsed, the same of each class.")
    memory_choice: Literal["herding", "random"] = Field(
        default="herding", description="How the rehearsed images are chosen."
    )
    anchor: NotNegative = Field(
        default=1.0, description="Strength of the pull toward the source's weights (L2-SP); 0: none."
    )
    min_steps: PositiveInt = Field(
        default=60, description="Fewest optimiser steps of a fine-tuning candidate; few images are seen more often."
    )
    batchnorm_prior: NotNegative = Field(
        default=1024.0, description="Images that the source's BatchNorm statistics count for when they are mixed."
    )
    confidence: Share = Field(default=0.9, description="Least confidence of a pseudo-label.")
    next_labels: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=50, description="Images that to_label.csv proposes to label next."
    )
