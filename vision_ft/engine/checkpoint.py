"""Training state on disk: written beside, synced and renamed; loaded without executing code."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vision_ft.errors import ResumeError
from vision_ft.files import atomic_path
from vision_ft.version import __version__

FORMAT_VERSION = 1
LAST = "last.pt"  # the state at the newest safe point
START = "start.pt"  # the weights before the backbone was first touched: pretrained backbone, fitted head
BEST = "best.pt"  # the weights of the best epoch so far


def save_state(file: Path, state: dict[str, Any]) -> None:
    """Write a state atomically: a full disk or a kill leaves the previous file as it was.

    Raises:
        OSError: the disk is full; the previous file is untouched.
    """
    with atomic_path(file) as temporary:
        torch.save({"format_version": FORMAT_VERSION, "written_by": __version__, **state}, temporary)


def load_state(file: Path) -> dict[str, Any]:
    """Read a state.

    Raises:
        ResumeError: the file is damaged, holds more than tensors and plain values, or is of a newer format.
    """
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError) as err:
        raise ResumeError(
            f"{file}: the checkpoint is cut or damaged, or not one of ours ({type(err).__name__}). "
            "Start the run again without --resume, in a new folder."
        ) from err
    version = state.get("format_version") if isinstance(state, dict) else None
    if version != FORMAT_VERSION:
        raise ResumeError(
            f"{file}: checkpoint format {version}, written by vision-ft {_writer(state)}; this is vision-ft "
            f"{__version__}, which reads format {FORMAT_VERSION}. Install the version that wrote it to resume."
        )
    return state


def _writer(state: object) -> str:
    return str(state.get("written_by", "of an unknown version")) if isinstance(state, dict) else "of an unknown version"


def snapshot(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copy a state dict to CPU memory, so that later steps do not change it."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}
