"""Group patterns: take the camera, site or sequence (and the label) of an image from its path."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vision_ft.errors import DataError, RecipeError, did_you_mean

_TOKEN = re.compile(r"\{(\w+)\}|(\*\*/?)|(\*)|(\?)|([^{}*?]+)|(.)", re.DOTALL)


@dataclass(frozen=True)
class GroupPattern:
    """A pattern such as '{camera}/{label}/{sequence}_*', ready to be matched.

    `{name}` takes the shortest text without a `/`, `*` any text without a `/`, `**` any folders, `?` one character.
    The pattern is held against the end of the path, whole folder names only, so leading folders such as train/ need
    not be written; a pattern with `**` is held against the whole path.

    Attributes:
        text: the pattern as it was given.
        regex: the same as a regular expression with one named group a field.
        group_by: the fields whose values, joined by `/`, are the group; may be empty when only the label is taken.
    """

    text: str
    regex: re.Pattern[str]
    group_by: tuple[str, ...]

    @property
    def gives_label(self) -> bool:
        """Whether the label comes from the pattern."""
        return "label" in self.regex.groupindex

    def match(self, paths: Sequence[str]) -> tuple[list[str | None], list[str] | None]:
        """Return (group of each path, label of each path or None when the pattern has no {label}).

        Raises:
            DataError: a path does not fit the pattern; the first ones are named.
        """
        hits = [self.regex.fullmatch(path) for path in paths]
        misses = [path for path, hit in zip(paths, hits, strict=True) if hit is None]
        if misses:
            shown = ", ".join(ascii(path)[1:-1] for path in misses[:5])
            raise DataError(
                f"group pattern {self.text!r} does not fit {len(misses)} of {len(paths)} paths, first: {shown}. "
                "'{name}' and '*' never match a '/'; use '**' for any folders."
            )
        found = [hit for hit in hits if hit is not None]
        groups = ["/".join(hit[name] for name in self.group_by) or None for hit in found]
        return groups, [hit["label"] for hit in found] if self.gives_label else None


def compile_pattern(text: str, *, group_by: Sequence[str] | None = None) -> GroupPattern:
    """Compile a group pattern; without `group_by` every field but {label} makes the group.

    Raises:
        RecipeError: the pattern or a name in `group_by` cannot be used.
    """
    fields: list[str] = []
    regex = "".join(_translate(token, text, fields) for token in _TOKEN.finditer(text))
    if not fields:
        raise RecipeError(f"group pattern {text!r} has no field. Write for example '{{camera}}/{{label}}/*'.")
    chosen = tuple(group_by) if group_by is not None else tuple(name for name in fields if name != "label")
    for name in chosen:
        if name not in fields:
            hint = did_you_mean(name, fields)
            raise RecipeError(f"group_by names {name!r}, but group pattern {text!r} has the fields {fields}.{hint}")
    leading = "" if "**" in text else "(?:.*/)?"
    return GroupPattern(text, re.compile(leading + regex, re.DOTALL), chosen)


def _translate(token: re.Match[str], text: str, fields: list[str]) -> str:
    """Return the regular expression of one token, and note its field."""
    name, folders, star, question, literal, _ = token.groups()
    if name is not None:
        if name in fields or not name.isidentifier():
            raise RecipeError(f"group pattern {text!r}: field {name!r} is written twice or is not a plain name.")
        fields.append(name)
        return f"(?P<{name}>[^/]+?)"
    if folders is not None:
        return "(?:.*/)?" if folders.endswith("/") else ".*"
    if star is not None:
        return "[^/]*"
    if question is not None:
        return "[^/]"
    if literal is not None:
        return re.escape(literal)
    raise RecipeError(
        f"group pattern {text!r}: unbalanced brace at character {token.start() + 1}. Fields are written {{name}}."
    )
