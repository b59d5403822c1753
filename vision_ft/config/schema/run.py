"""Section `run`: where a run is kept and what it runs on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vision_ft.config.fields import Name, Section


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
        default="auto", description="Processes that load images; 0: the training process itself."
    )
    cache: bool = Field(
        default=True, description="Whether features and decoded images are kept for later phases and runs."
    )
    decoded_budget_mb: Annotated[int, Field(ge=0)] = Field(
        default=2048, description="Memory or disk for decoded images in MB; 0: decode each time."
    )
    maps_budget_mb: Annotated[int, Field(ge=0)] = Field(
        default=4096, description="Disk for cached maps of a frozen backbone in MB; 0: compute them in each epoch."
    )
