"""Plugins of installed packages: the entry points of the group `vision_ft.plugins`, each run once."""

from __future__ import annotations

import logging
from importlib import metadata
from types import ModuleType

from vision_ft.plugins.origin import Origin, loading

log = logging.getLogger(__name__)
GROUP = "vision_ft.plugins"
_done: set[str] = set()  # entry points that were run, or failed: their code runs once a process


def load_installed() -> None:
    """Run the entry points that were not run yet: a module is imported, a function is called without arguments.

    A package that cannot be loaded is named in a warning and left out: what does not use it goes on.
    """
    if GROUP in _done:
        return
    _done.add(GROUP)  # first of all, since what is loaded asks the registries too
    for point in metadata.entry_points(group=GROUP):
        _load(point)


def _load(point: metadata.EntryPoint) -> None:
    package = "unknown" if point.dist is None else f"{point.dist.name} {point.dist.version}"
    try:
        with loading(Origin(module=point.module, package=package)):
            found = point.load()
            if not isinstance(found, ModuleType):
                found()
    except Exception as err:  # noqa: BLE001 - somebody else's code may raise anything, and must not end a report
        log.warning(
            "plugin %s of the package %s cannot be loaded, so its entries are missing: %s: %s. Update or uninstall it.",
            point.name,
            package,
            type(err).__name__,
            err,
        )


def forget() -> None:
    """Ask for the entry points again the next time, as after a package was installed in a running session."""
    _done.clear()
