"""What to say where a run used an entry that is not registered here; no file is run to find it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from vision_ft.plugins.registry import Registry

log = logging.getLogger(__name__)


def find_record(records: Any, kind: str, name: str) -> Mapping[str, Any] | None:
    """Return what a run kept of one of its entries; anything else than a list of mappings holds none."""
    listed = records if isinstance(records, Sequence) and not isinstance(records, str) else ()
    hits = (one for one in listed if isinstance(one, Mapping) and (one.get("kind"), one.get("name")) == (kind, name))
    return next(hits, None)


def say_missing(record: Mapping[str, Any], *, key: str) -> str:
    """Return the sentence that says where an entry came from and how to bring it.

    Args:
        record: of `Registry.record`, as a file of the run holds it.
        key: what named the entry, such as "model.head".
    """
    file, module, package = (record.get(name) for name in ("file", "module", "package"))
    what = f"{key or record.get('kind')}: {record.get('name')!r}"
    if package:
        return f"{what} came from the package {package} when this run was trained; install it here."
    if file:
        return (
            f"{what} was registered by {file} when this run was trained; give --plugins {file} or register it before "
            "loading."
        )
    where = "in an interactive session" if module in (None, "__main__") else f"by the module {module}"
    return f"{what} was registered {where} when this run was trained; register it before loading."


def warn_of_change(record: Mapping[str, Any], registry: Registry[Any]) -> None:
    """Say in the log when an entry comes from a file with other content than the run's."""
    now, then = registry.record(str(record.get("name"))) or {}, record.get("sha256")
    if then and now.get("sha256") and now["sha256"] != then:
        place = now.get("file") or now.get("module")
        log.warning("%s %r: %s has changed since this run was trained.", registry.kind, record.get("name"), place)
