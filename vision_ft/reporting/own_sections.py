"""Sections of the report that others registered: how they are added, and their place on the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vision_ft.plugins.missing import find_record, say_missing
from vision_ft.plugins.registry import Registry
from vision_ft.reporting.section import Section

PREFIX = "own-"  # of their anchors, so that none is that of another section
FOLDER = "own/"  # of their templates, which are texts and no files


@dataclass(frozen=True)
class OwnSection:
    """A section with its place.

    Attributes:
        section: as any other; its template is looked up among these.
        template: Jinja text.
        tasks: where it is shown; empty: wherever there is a report.
        after: id of the section that it follows, or name of another one of these; None: at the end.
    """

    section: Section
    template: str
    tasks: tuple[str, ...] = ()
    after: str | None = None


OWN_SECTIONS: Registry[OwnSection] = Registry("section", built_in={})


def register_section(  # noqa: PLR0913 - what a section is, and where it goes
    name: str,
    build: Callable[..., dict[str, Any] | None],
    *,
    title: str,
    template: str,
    per_split: bool = False,
    tasks: Sequence[str] = (),
    after: str | None = None,
) -> None:
    """Add a section to the report.

    Args:
        name: what `after` of another one may say.
        build: `build(run) -> view`, or None where the section does not apply; see `RunView`. With `per_split`
            `build(run, split, pictures) -> view` for each split.
        title: heading.
        template: Jinja text that gets the dictionary as `view`; what it prints is escaped, and scripts do not run.
        per_split: whether the section follows the page's switch between validation and test.
        tasks: where it is shown; empty: everywhere.
        after: id of the section that it follows, such as "confusion": the part behind # in the page's links.

    Raises:
        RecipeError: the name is taken.
    """
    which = "build_split" if per_split else "build"
    section = Section(f"{PREFIX}{name}", title, f"{FOLDER}{name}", **{which: build})  # type: ignore[arg-type]
    OWN_SECTIONS.register(name, OwnSection(section, template, tuple(tasks), after))


def shown_names(task: str) -> list[str]:
    """Return the names of the added sections that a task's page has."""
    return [name for name, own in OWN_SECTIONS.items() if not own.tasks or task in own.tasks]


def with_own(task: str, sections: Iterable[Section]) -> tuple[Section, ...]:
    """Return the sections of a task's page with the added ones in their places."""
    placed = list(sections)
    for own in (OWN_SECTIONS[name] for name in shown_names(task)):
        wanted = (own.after, f"{PREFIX}{own.after}")
        hits = [place for place, section in enumerate(placed) if section.id in wanted]
        placed.insert(hits[0] + 1 if hits else len(placed), own.section)
    return tuple(placed)


def template_of(path: str) -> str | None:
    """Return the text of an added section's template, by its path below the templates; None of the page's own."""
    _, found, name = path.partition(FOLDER)
    return OWN_SECTIONS[name].template if found and name in OWN_SECTIONS else None


def missing_parts(environment: Mapping[str, Any], registries: Iterable[Registry[Any]]) -> list[str]:
    """Name the metrics and sections that the run's report had and this one cannot have."""
    kept, said = environment.get("plugins"), []
    for registry in registries:
        names = {str(one.get("name")) for one in kept or () if isinstance(one, Mapping)}
        for name in sorted(names - set(registry)):
            record = find_record(kept, registry.kind, name)
            if record is not None:
                said.append(say_missing(record, key=registry.kind).rstrip("."))
    return said
