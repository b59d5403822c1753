"""A registry is a mapping that finds its own entries late, takes others by name, and knows where they came from."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from fractions import Fraction

import pytest

from vision_ft.errors import RecipeError
from vision_ft.plugins.load import load_plugins
from vision_ft.plugins.origin import Origin, loading
from vision_ft.plugins.registry import Registry
from vision_ft.strategies import STRATEGIES

ELSEWHERE = Origin(file="a.py", sha256="0")
SESSION = Origin(module="__main__")


@pytest.fixture
def numbers() -> Registry:
    return Registry("number", key="a.number", built_in={"half": Fraction(1, 2), "pi": "math:pi"})


def test_built_in_entries_are_found_when_they_are_asked_for(numbers):
    assert list(numbers) == ["half", "pi"]
    assert numbers["pi"] == 3.141592653589793
    assert dict(numbers)["half"] == Fraction(1, 2)
    assert "tau" not in numbers
    with pytest.raises(KeyError):
        numbers["tau"]


def test_an_added_entry_comes_last_and_says_where_it_is_from(numbers):
    with loading(ELSEWHERE):
        numbers.register("two", 2)
    assert (list(numbers), numbers.added) == (["half", "pi", "two"], ["two"])
    assert numbers.record("two") == {"kind": "number", "name": "two", "file": "a.py", "sha256": "0"}
    assert numbers.record("pi") is None
    assert (numbers.fingerprint("two"), numbers.fingerprint("pi")) == ("two@0", "pi")
    numbers.remove("two")
    assert "two" not in numbers


def test_a_name_that_is_taken_is_refused_unless_by_an_equal_entry(numbers):
    with loading(ELSEWHERE):
        numbers.register("two", 2)
        numbers.register("two", 2)
        with pytest.raises(RecipeError, match='number "two" is registered by a.py already. Choose another name.'):
            numbers.register("two", 3)
        with pytest.raises(RecipeError, match='number "pi" is one of the package\'s own already.'):
            numbers.register("pi", 3)
    with pytest.raises(RecipeError, match='number "pi" was not added, so it cannot be removed'):
        numbers.remove("pi")


def test_a_cell_of_a_notebook_may_be_run_again(numbers):
    with loading(SESSION):
        numbers.register("two", 2)
        first = numbers.fingerprint("two")
        numbers.register("two", 2.5)
    assert numbers["two"] == 2.5
    assert numbers.fingerprint("two") != first  # features cached for the first one are not those of the second


@pytest.mark.parametrize("name", ["auto", "None", "2nd", "a b", "", "../a", "x" * 65, 3])
def test_a_name_that_yaml_or_a_path_reads_otherwise_is_refused(numbers, name):
    with pytest.raises(RecipeError, match="cannot be used; start with a letter"):
        numbers.register(name, 1)


def test_an_unknown_name_shows_the_nearest_and_how_to_bring_its_own(numbers):
    assert numbers.unknown("hafl") == (
        '"hafl" is unknown. Did you mean "half"? Allowed: half, pi. A number of your own: register it first, or give '
        "its file with --plugins."
    )


def test_a_file_is_run_once_and_is_the_origin_of_what_it_registers(plugin_file):
    text = "import vision_ft as vf\nvf.register_strategy('mine', lambda groups, epochs: [], epochs=3)\n"
    file = plugin_file(text)
    load_plugins([file, file])
    load_plugins([file.absolute()])
    assert STRATEGIES["mine"].epochs == 3
    sha = hashlib.sha256(text.encode()).hexdigest()
    assert STRATEGIES.record("mine") == {"kind": "strategy", "name": "mine", "file": "my_plugins.py", "sha256": sha}


def test_a_file_may_import_its_neighbour_and_define_dataclasses(plugin_file):
    plugin_file("EPOCHS = 4\n", "neighbour_of_plugins.py")
    file = plugin_file(
        "from __future__ import annotations\nfrom dataclasses import dataclass\nimport vision_ft as vf\n"
        "from neighbour_of_plugins import EPOCHS\n\n@dataclass\nclass Plan:\n    name: str\n\n"
        "vf.register_strategy('mine', lambda groups, epochs: [], epochs=EPOCHS)\n"
    )
    load_plugins([file])
    assert STRATEGIES["mine"].epochs == 4


def test_what_is_wrong_with_a_file_is_said_with_its_line(plugin_file):
    with pytest.raises(RecipeError, match=r"--plugins my_plugins.py line 2: ZeroDivisionError: division by zero"):
        load_plugins([plugin_file("a = 1\nb = a / 0\n")])
    with pytest.raises(RecipeError, match=r"--plugins my_plugins.py line 1: SyntaxError: "):
        load_plugins([plugin_file("a = = 1\n")])
    taken = "import vision_ft as vf\nvf.register_strategy('full', print)\n"
    with pytest.raises(RecipeError, match='my_plugins.py line 2: RecipeError: strategy "full" is one of the package'):
        load_plugins([plugin_file(taken)])
    with pytest.raises(RecipeError, match=r'--plugins my_plugin.py: no such file. Did you mean "my_plugins.py"\?'):
        load_plugins(["my_plugin.py"])
    with pytest.raises(RecipeError, match=r"--plugins .: not a Python file"):
        load_plugins(["."])


def test_a_script_that_registers_is_named_by_its_file(tmp_path):
    (tmp_path / "train.py").write_text(
        "import json, sys\nimport vision_ft as vf\nfrom vision_ft.strategies import STRATEGIES\n"
        "vf.register_strategy('mine', lambda groups, epochs: [])\n"
        "assert 'torch' not in sys.modules\n"
        "print(json.dumps(STRATEGIES.record('mine')))\n"
    )
    done = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    record = json.loads(done.stdout)
    assert (record["file"], len(record["sha256"])) == ("train.py", 64)


def test_a_module_that_registers_is_named_by_its_name(plugin_file, monkeypatch, tmp_path):
    plugin_file("import vision_ft as vf\nvf.register_strategy('mine', print)\n", "module_of_plans.py")
    monkeypatch.syspath_prepend(str(tmp_path / "here"))
    import module_of_plans  # noqa: F401

    sys.modules.pop("module_of_plans")
    record = STRATEGIES.record("mine")
    assert (record["module"], len(record["sha256"])) == ("module_of_plans", 64)
