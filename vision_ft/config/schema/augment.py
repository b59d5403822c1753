"""Section `augment`: what the training images go through."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vision_ft.config.fields import Name, NotNegative, Section


class AugmentConfig(Section):
    """What the training images go through."""

    preset: Name = Field(
        default="auto", description='Preset by name; "auto": light under 1,000 images, medium from there on.'
    )
    mixup: NotNegative = Field(default=0.0, description="Alpha of mixup's Beta distribution; 0: off.")
    cutmix: NotNegative = Field(default=0.0, description="Alpha of cutmix's Beta distribution; 0: off.")
    views: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1, description="Views of each image cached for feature extraction; the first is not augmented."
    )
