"""A package's entry point of the group vision_ft.plugins is run when a name is unknown or the entries are listed."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from vision_ft.plugins import installed
from vision_ft.plugins.missing import say_missing
from vision_ft.strategies import STRATEGIES


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a package on the path as an installer would."""

    def run(name: str, text: str, point: str) -> None:
        site = tmp_path / "site"
        info = site / f"{name}-1.2.dist-info"
        info.mkdir(parents=True)
        (site / f"{name}.py").write_text(text)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[vision_ft.plugins]\nbirds = {point}\n")
        monkeypatch.syspath_prepend(str(site))
        installed.forget()

    return run


REGISTER = "import vision_ft as vf\n"


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("vf.register_strategy('soar', print, epochs=3)\n", "bird_plans_a"),
        ("def register():\n    vf.register_strategy('soar', print, epochs=3)\n", "bird_plans_b:register"),
    ],
    ids=["module", "function"],
)
def test_an_installed_entry_is_found_by_its_name(install, text, point):
    install(point.split(":")[0], REGISTER + text, point)
    assert "full" in STRATEGIES
    assert STRATEGIES.added == []  # a known name runs nothing
    assert STRATEGIES["soar"].epochs == 3
    record = STRATEGIES.record("soar")
    module = point.split(":")[0]
    assert record == {"kind": "strategy", "name": "soar", "module": module, "package": f"{module} 1.2"}
    assert say_missing(record, key="strategy.name") == (
        f"strategy.name: 'soar' came from the package {module} 1.2 when this run was trained; install it here."
    )


def test_a_package_that_cannot_be_loaded_is_named_and_the_rest_goes_on(install, caplog):
    install("bird_plans_c", "import nothing_of_this_name\n", "bird_plans_c")
    with caplog.at_level(logging.WARNING):
        assert list(STRATEGIES) == ["feature-extraction", "gradual-unfreeze", "full", "surgical"]
        assert "soar" not in STRATEGIES
    (record,) = caplog.records
    assert record.getMessage().startswith(
        "plugin birds of the package bird_plans_c 1.2 cannot be loaded, so its entries are missing: ModuleNotFoundError"
    )
