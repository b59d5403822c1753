"""Find out in a few seconds whether pretrained weights can be had, and if not, name the file to place by hand."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache

from vision_ft.errors import ModelError
from vision_ft.models.weights import PREFERRED_FILES, SAFETENSORS_SUFFIX

REQUEST_TIMEOUT_S = 5.0
# The request's own timeout does not cover name resolution, which can hang for half a minute behind a dead resolver.
DEADLINE_S = 8.0


def split_repo(model_id: str) -> tuple[str, str | None]:
    """Split 'owner/name@revision' as timm writes it."""
    repo, _, revision = model_id.partition("@")
    return repo, revision or None


def cached_file(repo_id: str, filename: str, revision: str | None = None) -> Path | None:
    """Return a file of the Hugging Face cache, or None; no network is touched."""
    found = try_to_load_from_cache(repo_id, filename, revision=revision)
    return Path(found) if isinstance(found, str) else None


def cached_weights(cfg: Mapping[str, Any]) -> Path | None:
    """Return the weights file that timm's `pretrained_cfg` names, when the Hugging Face cache holds it."""
    if not cfg.get("hf_hub_id") or cfg.get("custom_load"):
        return None
    repo, revision = split_repo(cfg["hf_hub_id"])
    names = (cfg["hf_hub_filename"],) if cfg.get("hf_hub_filename") else PREFERRED_FILES
    safe_first = sorted(names, key=lambda name: not name.endswith(SAFETENSORS_SUFFIX))
    found = (cached_file(repo, name, revision) for name in safe_first)
    return next((path for path in found if path is not None), None)


def require_hub(name: str, cfg: Mapping[str, Any]) -> None:
    """Raise at once, instead of after minutes of retries, when the weights of `cfg` cannot be fetched.

    Args:
        name: the backbone as the user wrote it.
        cfg: timm's `pretrained_cfg`, or just its `hf_hub_id`.

    Raises:
        ModelError: no network, no such repository, or no weights were ever published under this name.
    """
    if cfg.get("hf_hub_id"):
        repo, revision = split_repo(cfg["hf_hub_id"])
        reason = _reason_unreachable(lambda: _ask_hub(repo, revision))
    elif cfg.get("url"):
        reason = _reason_unreachable(lambda: _ask_url(str(cfg["url"])))
    else:
        raise ModelError(
            f"{name}: timm has no pretrained weights of this name. Give your own with model.pretrained=path/to/"
            "file.safetensors, choose another backbone, or start from random weights with model.pretrained=false."
        )
    if reason is not None:
        raise missing_weights(name, cfg, reason)


def missing_weights(name: str, cfg: Mapping[str, Any], reason: str) -> ModelError:
    """Return the error that names the file to place and the option that points at it."""
    if cfg.get("hf_hub_id"):
        repo, _ = split_repo(cfg["hf_hub_id"])
        place = f"{cfg.get('hf_hub_filename') or 'model.safetensors'} of https://huggingface.co/{repo}"
    else:
        place = str(cfg.get("url"))
    return ModelError(
        f"{name}: the pretrained weights are not on this machine and could not be fetched ({reason}). "
        f"Download {place} where there is a network, and point at it with model.pretrained=path/to/file.safetensors; "
        "or start from random weights with model.pretrained=false."
    )


def _reason_unreachable(ask: Callable[[], None]) -> str | None:
    """Run `ask` for at most `DEADLINE_S`; return None when it answered, else why not."""
    reasons: list[str | None] = []

    def run() -> None:
        try:
            ask()
            reasons.append(None)
        except Exception as err:  # noqa: BLE001 - every failure of any HTTP library becomes one sentence
            reasons.append(f"{type(err).__name__}: {(str(err).strip().splitlines() or [''])[0][:160]}")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(DEADLINE_S)
    return reasons[0] if reasons else f"no answer within {DEADLINE_S:.0f} s"


def _ask_hub(repo: str, revision: str | None) -> None:
    get_hf_file_metadata(hf_hub_url(repo, "config.json", revision=revision), timeout=REQUEST_TIMEOUT_S)


def _ask_url(url: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=REQUEST_TIMEOUT_S):
        pass
