"""Load a recipe from YAML, its base, and `key=value` overrides; errors name the file, the line and the nearest key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vision_ft.config import nearest, yaml_text
from vision_ft.config.explain import explain
from vision_ft.config.schema.adapt import AdaptConfig
from vision_ft.config.schema.recipe import Recipe
from vision_ft.errors import RecipeError

# Looked up from here, then beside the recipe that sets them.
PATH_KEYS = ("data.path", "data.root", "data.class_table", "adapt.keep", "adapt.source", "adapt.data_root")


@dataclass
class _Settings:
    """Values gathered so far, with the place each key was set.

    Attributes:
        values: nested mapping of what was set.
        origin: dotted key -> "birds.yaml, line 3" or "override 'optim.lr=x'".
        folders: path key such as `data.path` -> folder of the file that set it.
    """

    values: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)


def load_recipe(source: Path | None, overrides: Sequence[str], *, defaults: Mapping[str, Any] | None = None) -> Recipe:
    """Return the frozen recipe of a run.

    Later wins: `defaults`, the `base:` of the file (relative to the file that names it), the file, the overrides. A
    relative path in `PATH_KEYS` is looked up from the current directory first, then beside the recipe file that set
    it, and becomes absolute when found; otherwise it is left as written.

    Args:
        source: YAML file; None: defaults and overrides only.
        overrides: texts such as "optim.lr=3e-4"; the value is read as YAML, and taken as it stands by text fields.
        defaults: values below everything else, nested or with dotted keys.

    Raises:
        RecipeError: a file, key or value cannot be used; all problems of the values are listed.
    """
    settings = _Settings()
    for key, value in (defaults or {}).items():
        _merge(settings, _nest(key, value))
    if source is not None:
        _read_into(settings, Path(source), chain=())
    for override in overrides:
        _apply_override(settings, override)
    for key in PATH_KEYS:
        _locate(settings, key)
    try:
        return Recipe.model_validate(settings.values)
    except ValidationError as err:
        raise RecipeError(explain(err, settings.origin, source=str(source or ""))) from err


def dump_recipe(recipe: Recipe) -> str:
    """Return the complete recipe as YAML that `load_recipe` reads back equal."""
    values = recipe.model_dump()
    if recipe.adapt == AdaptConfig():  # a run that adapts nothing does not speak of it
        del values["adapt"]
    return yaml_text.dump(values)


def _read_into(settings: _Settings, source: Path, *, chain: tuple[Path, ...]) -> None:
    """Merge a file over `settings`, its base first."""
    resolved = source.resolve()
    if resolved in chain:
        names = " -> ".join(path.name for path in (*chain, resolved))
        raise RecipeError(f"{source}: 'base' goes round in a circle: {names}. Remove one of them.")
    document = yaml_text.parse(_read_text(source), where=str(source))
    content = {} if document.value is None else document.value
    if not isinstance(content, dict):
        raise RecipeError(
            f"{source}: got a {type(content).__name__} at the top, allowed: a mapping such as 'data: {{path: photos}}'."
        )
    base = content.pop("base", None)
    if base is not None:
        if not isinstance(base, str):
            raise RecipeError(f"{source}, line {document.lines['base']}: base: got {base!r}, allowed: one file name.")
        _read_into(settings, source.parent / base, chain=(*chain, resolved))
    _merge(settings, content)
    settings.origin |= {key: f"{source}, line {line}" for key, line in document.lines.items()}
    settings.folders |= {key: source.parent.resolve() for key in PATH_KEYS if key in document.lines}


def _read_text(source: Path) -> str:
    try:
        with source.open("rb") as stream:
            content = stream.read(yaml_text.MAX_BYTES + 1)
    except OSError as err:
        raise RecipeError(f"{source}: the recipe cannot be read: {err.strerror}.") from err
    if len(content) > yaml_text.MAX_BYTES:
        raise RecipeError(f"{source}: larger than {yaml_text.MAX_BYTES:,} bytes, which is no recipe.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = content[: err.start].count(b"\n") + 1
        raise RecipeError(
            f"{source}, line {line}: byte 0x{content[err.start]:02x} is not UTF-8. Save the file with UTF-8 encoding."
        ) from err


def _apply_override(settings: _Settings, override: str) -> None:
    key, sign, text = override.partition("=")
    key = key.strip()
    where = f"override {override!r}"
    if not sign or not key:
        raise RecipeError(f"{where}: write key=value, such as optim.lr=3e-4.")
    if not nearest.is_known(key):
        raise RecipeError(f'{where}: unknown key "{key}".{nearest.suggest(key)}')
    _merge(settings, _nest(key, _parse_value(key, text.strip(), where=where)))
    settings.origin = {name: at for name, at in settings.origin.items() if not name.startswith(f"{key}.")}
    settings.origin[key] = where
    settings.folders.pop(key, None)


def _parse_value(key: str, text: str, *, where: str) -> Any:
    """Read an override's value as YAML; a field that takes text gets the text where YAML reads something else."""
    try:
        value = yaml_text.parse(text, where=where).value
    except RecipeError as err:
        is_syntax = "not valid YAML" in str(err)  # '{camera}/{label}' is a fine pattern and no YAML
        if is_syntax and nearest.takes_text(key):
            return text
        raise
    keeps_yaml = value is None or isinstance(value, str) or not nearest.is_text_only(key)
    return value if keeps_yaml else text


def _nest(key: str, value: Any) -> dict[str, Any]:
    """Turn ("optim.lr", 1) into {"optim": {"lr": 1}}."""
    for name in reversed(key.split(".")):
        value = {name: value}
    found: dict[str, Any] = value
    return found


def _merge(settings: _Settings, above: Mapping[str, Any]) -> None:
    # An empty section, `optim:` with every line commented out, means its defaults.
    filled = {key: value for key, value in above.items() if not (value is None and nearest.is_section(key))}
    settings.values = _merged(settings.values, filled)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = _merged(result[key], value) if both else value
    return result


def _locate(settings: _Settings, key: str) -> None:
    section, name = key.split(".")
    content = settings.values.get(section)
    if not isinstance(content, dict):
        return  # the schema says what is wrong
    path = content.get(name)
    if not isinstance(path, str) or not path or "\0" in path:
        return
    given = Path(path).expanduser()
    places = [given] + ([settings.folders[key] / given] if key in settings.folders else [])
    found = next((place for place in places if place.exists()), None)
    if found is not None:
        settings.values = {**settings.values, section: {**content, name: str(found.absolute())}}
