"""Where an entry that is not the package's own came from, so that a run can say what it needs."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

OURS = __name__.split(".")[0]
SESSION = "__main__"  # of a notebook or a prompt, which have no file


@dataclass(frozen=True)
class Origin:
    """A file, a module or an installed package; what does not apply stays None.

    Attributes:
        file: a Python file, relative to the folder where Python was started when it lies below it, else its name alone:
            a model folder is handed on, and the folders of its author are nobody's business.
        module: dotted name.
        package: name and version of the distribution.
        sha256: of the file's content when it was run.
    """

    file: str | None = None
    module: str | None = None
    package: str | None = None
    sha256: str | None = None

    @property
    def is_session(self) -> bool:
        """Whether it is a notebook or a prompt."""
        return self.module == SESSION and self.file is None

    def record(self) -> dict[str, str]:
        """Return what is known, ready for JSON."""
        return {key: value for key, value in vars(self).items() if value is not None}

    def __str__(self) -> str:
        if self.package is not None:
            return f"the package {self.package}"
        if self.file is not None:
            return self.file
        return "an interactive session" if self.is_session else f"the module {self.module}"


_loading: ContextVar[Origin | None] = ContextVar("vision_ft_plugin_being_loaded", default=None)


@contextmanager
def loading(origin: Origin) -> Iterator[None]:
    """Attribute to `origin` all that is registered inside the block."""
    token = _loading.set(origin)
    try:
        yield
    finally:
        _loading.reset(token)


def origin_of_file(file: Path, content: bytes) -> Origin:
    """Return the origin of entries that a file registers."""
    return Origin(file=shown(file), sha256=hashlib.sha256(content).hexdigest())


def find_origin() -> Origin:
    """Return where the code that registers something right now came from."""
    held = _loading.get()
    return held if held is not None else _origin_of_frame(sys._getframe(1))


def _origin_of_frame(frame: FrameType | None) -> Origin:
    while frame is not None and _module_of(frame).split(".")[0] == OURS:
        frame = frame.f_back
    if frame is None:
        return Origin(module=SESSION)
    module, file = _module_of(frame), frame.f_globals.get("__file__")
    content = _read(file)
    if content is None:
        return Origin(module=module)
    if module in (SESSION, "__mp_main__"):  # a script; the second is its name in a process that it spawned
        return origin_of_file(Path(str(file)), content)
    return Origin(module=module, sha256=hashlib.sha256(content).hexdigest())


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", SESSION))


def _read(file: Any) -> bytes | None:
    try:
        return Path(str(file)).read_bytes() if file else None
    except OSError:
        return None


def shown(file: Path) -> str:
    """Return a file's path from here when it lies below this folder, else its name."""
    absolute, here = file.absolute(), Path.cwd()
    return absolute.relative_to(here).as_posix() if absolute.is_relative_to(here) else file.name
