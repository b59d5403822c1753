"""Tiny runs for the tests of the engine: a small network, a few images, seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

import vision_ft as vf
from vision_ft.engine.checkpoint import LAST, load_state

TINY: dict[str, Any] = {
    "model.backbone": "test_resnet",
    "model.pretrained": False,
    "model.image_size": 32,
    "optim.batch_size": 8,
    "optim.lr": 0.003,
    "run.device": "cpu",
    "augment.preset": "light",
}


def tiny_run(data: Path, out: Path, *, resume: bool = False, **overrides: Any) -> vf.Run:
    """Fine-tune the tiny network; keys of overrides use `__` for the dot."""
    chosen = TINY | {key.replace("__", "."): value for key, value in overrides.items()}
    return vf.finetune(data, out=out, resume=resume, overrides=chosen)


def command_line(data: Path, out: Path, **overrides: Any) -> list[str]:
    """Arguments of `python -m vision_ft train` for the same run."""
    chosen = TINY | {key.replace("__", "."): value for key, value in overrides.items()}
    words = [f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in chosen.items()]
    return ["train", str(data), *words, "--out", str(out)]


def final_weights(run: Path) -> dict[str, torch.Tensor]:
    """Weights of the newest training state."""
    return load_state(run / "checkpoints" / LAST)["model"]
