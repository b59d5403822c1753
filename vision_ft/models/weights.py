"""Read weights files without ever executing what they hold, and say plainly why a file cannot be used."""

from __future__ import annotations

import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models import clean_state_dict
from torch import Tensor, nn

from vision_ft.errors import ModelError

SAFETENSORS_SUFFIX = ".safetensors"
TORCH_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".tar")
# Where training scripts put the weights inside a larger checkpoint; averaged weights come first, as in timm.
WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")
PREFERRED_FILES = ("model.safetensors", "pytorch_model.bin", "model.pth", "pytorch_model.pth")


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Read parameter name -> tensor from a .safetensors file or a weights-only torch file.

    Raises:
        ModelError: the file is absent, damaged, compressed, of another kind, or a pickle that asks to run code.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: no such weights file. Give the path of a .safetensors, .pt or .pth file.")
    if path.suffix == SAFETENSORS_SUFFIX:
        return _read_safetensors(path)
    if path.suffix in TORCH_SUFFIXES:
        return _read_torch(path)
    allowed = ", ".join((SAFETENSORS_SUFFIX, *TORCH_SUFFIXES))
    raise ModelError(f"{path}: weights files end in {allowed}; got {path.suffix or 'no ending'!r}.")


def find_weights_file(folder: str | Path) -> Path:
    """Return the weights file of a folder in timm's layout.

    Raises:
        ModelError: the folder holds no weights file, or several and none has a usual name.
    """
    folder = Path(folder)
    for name in PREFERRED_FILES:
        if (folder / name).is_file():
            return folder / name
    found = sorted(path for path in folder.glob("*") if path.suffix in (SAFETENSORS_SUFFIX, *TORCH_SUFFIXES))
    if len(found) == 1:
        return found[0]
    seen = f"found {[path.name for path in found]}" if found else "found none"
    raise ModelError(f"{folder}: expected a weights file called model.safetensors; {seen}.")


def load_weights(module: nn.Module, state_dict: Mapping[str, Tensor], *, where: str) -> None:
    """Copy a state dict into a module; every name and every shape must agree.

    Args:
        module: takes the weights.
        state_dict: parameter and buffer names -> tensors.
        where: the file, for the message.

    Raises:
        ModelError: names are missing or too many, or shapes differ; all of them are listed.
    """
    own = module.state_dict()
    problems = [
        _listed("missing", own.keys() - state_dict.keys()),
        _listed("unexpected", state_dict.keys() - own.keys()),
        _listed(
            "of another shape",
            (
                f"{name} (file {tuple(state_dict[name].shape)}, model {tuple(own[name].shape)})"
                for name in own.keys() & state_dict.keys()
                if own[name].shape != state_dict[name].shape
            ),
        ),
    ]
    if any(problems):
        raise ModelError(
            f"{where}: the weights do not fit the model; {'; '.join(filter(None, problems))}. "
            "Check that the backbone's name, model_args and the number of classes are those the file was saved with."
        )
    module.load_state_dict(dict(state_dict))


def _listed(what: str, names: Iterable[str], limit: int = 12) -> str:
    ordered = sorted(names)
    if not ordered:
        return ""
    more = f" and {len(ordered) - limit} more" if len(ordered) > limit else ""
    return f"{len(ordered)} {what}: {', '.join(ordered[:limit])}{more}"


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        tensors = load_file(path)
        _refuse_duplicate_names(path)
        return tensors
    except (SafetensorError, OSError, ValueError, OverflowError) as err:
        raise ModelError(
            f"{path}: not a whole safetensors file, cut or damaged ({_first_line(err)}). Copy or download it again."
        ) from err


def _refuse_duplicate_names(path: Path) -> None:
    """The library keeps the last of two tensors of one name; nothing tells which one was meant."""
    with path.open("rb") as file:
        header = file.read(int.from_bytes(file.read(8), "little"))

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} occurs twice")
        return dict(pairs)

    json.loads(header, object_pairs_hook=unique)


def _read_torch(path: Path) -> dict[str, Tensor]:
    _refuse_bomb(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a pickle of another protocol is refused below, once, in our words
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as err:
        raise ModelError(
            f"{path}: refused: this pickle holds more than weights and could run code when opened"
            f" ({_wanted_globals(path, err)}). Where you trust it, save its state dict with"
            " safetensors.torch.save_file(...) and give that file."
        ) from err
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as err:
        raise ModelError(
            f"{path}: not a whole torch weights file, cut or damaged ({_first_line(err)}). Copy or download it again."
        ) from err
    return _checked_state_dict(content, path)


def _refuse_bomb(path: Path) -> None:
    """Refuse an archive that would unpack to more than the file holds; torch itself never compresses."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as err:
        raise ModelError(f"{path}: not a whole torch weights file, cut or damaged ({_first_line(err)}).") from err
    unpacked, packed = sum(entry.file_size for entry in entries), path.stat().st_size
    if unpacked > packed or any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise ModelError(
            f"{path}: refused: a compressed archive that unpacks from {packed:,} to {unpacked:,} bytes; "
            "torch stores weights uncompressed. Save the weights anew with torch.save or as .safetensors."
        )


def _checked_state_dict(content: Any, path: Path) -> dict[str, Tensor]:
    if isinstance(content, Mapping):
        for wrapper in WRAPPERS:
            if isinstance(content.get(wrapper), Mapping):
                content = content[wrapper]
                break
    if not isinstance(content, Mapping) or not content:
        raise ModelError(f"{path}: expected parameter names with tensors, got {type(content).__name__}.")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise ModelError(f"{path}: expected parameter names with tensors, got {name!r}: {type(value).__name__}.")
        # A stride of 0 would let a few bytes claim any size, and the first copy would fill the memory.
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise ModelError(f"{path}: {name} claims {value.numel():,} values but stores fewer; cut or damaged.")
    return clean_state_dict(dict(content))


def _wanted_globals(path: Path, err: pickle.UnpicklingError) -> str:
    try:
        names = set(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # noqa: BLE001 - only archives can be asked; the file is refused in any case
        # torch's own advice, to load it with weights_only=False, is not passed on.
        names = set(re.findall(r"GLOBAL ([\w.]+)", str(err)))
    return f"it imports {', '.join(sorted(names))}" if names else "it is not a plain state dict"


def _first_line(err: BaseException) -> str:
    return (str(err).strip().splitlines() or [type(err).__name__])[0][:200]
