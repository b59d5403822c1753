"""Recipes are read from YAML, their base and overrides, and every error says where, what, allowed and nearest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vision_ft.config import Recipe, dump_recipe, load_recipe
from vision_ft.errors import RecipeError


@pytest.fixture
def write(tmp_path):
    def write(text: str | bytes, name: str = "birds.yaml") -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def load(*overrides: str) -> Recipe:
    return load_recipe(None, ["data.path=photos", *overrides])


def test_overrides_win_over_the_file_over_its_base_over_the_defaults(write):
    write("optim: {lr: 0.1, momentum: 0.5, batch_size: 4}\nrun: {seed: 3}", "bases/common.yaml")
    file = write("base: bases/common.yaml\ndata: {path: photos}\noptim: {lr: 0.2, batch_size: 8}")
    recipe = load_recipe(file, ["optim.lr=3e-4"], defaults={"run.seed": 9, "optim": {"clip": 5.0, "momentum": 0.1}})
    assert (recipe.optim.lr, recipe.optim.batch_size, recipe.optim.momentum) == (3e-4, 8, 0.5)
    assert (recipe.optim.clip, recipe.run.seed) == (5.0, 3)


def test_a_dumped_recipe_loads_back_equal(write):
    options = "{rate: 1e-3, word: '1e5', old: 'no', number: '010', time: 1:30, day: 2024-05-01, list: [1, null]}"
    recipe = load(
        "optim.lr=1e-5",
        f"strategy.options={options}",
        "data.group_pattern={camera}/{label}/*",
        'data.format="y"',
        "model.mean=[0.1, 0.2, 0.3]",
        "run.out=caf\u00e9: \u2603 #1",
    )
    assert recipe.strategy.options["rate"] == 0.001
    assert recipe.strategy.options["day"] == "2024-05-01"
    text = dump_recipe(recipe)
    assert load_recipe(write(text), []) == recipe
    assert all(f"\n{section}:\n" in text for section in ("data", "model", "strategy", "optim", "augment", "run"))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epochs=5", r"override 'epochs=5': unknown key \"epochs\"\. Did you mean \"strategy\.epochs\"\?"),
        ("epoch=5", r'unknown key "epoch"\. Did you mean "strategy\.epochs"\?'),
        ("optim.epochs=5", r'Did you mean "strategy\.epochs"\?'),
        ("optim.learning_rate=5", r'Did you mean "optim\.lr"\?'),
        ("batch=5", r'Did you mean "optim\.batch_size"\?'),
        ("optm.lr=5", r'Did you mean "optim\.lr"\?'),
        ("name=sgd", r'Did you mean "strategy\.name" or "optim\.name"\?'),
        ("zzz=1", r"Known keys: task, data, model, strategy, optim, augment, run, adapt\."),
        ("run.zzz=1", r"Known keys: run\.out, run\.seed, "),
        ("optim.lr", r"override 'optim\.lr': write key=value"),
        ("=3", r"override '=3': write key=value"),
        ("optim.lr.x=3", r'unknown key "optim\.lr\.x"\. Did you mean "optim\.lr"'),
        ("optim.lr=fast", r"optim\.lr=fast': optim\.lr: got 'fast' \(text\), allowed: a number above 0"),
        ("optim.batch_size=0", r"got 0 \(a whole number\), allowed: a whole number from 1 to 1000000\. Imag"),
        ("optim.batch_size=2.0", r"got 2\.0 \(a number\), allowed: a whole number"),
        ("optim.batch_size=", r"optim\.batch_size: got null, allowed: a whole number"),
        ("optim.imbalance=weight", r"got 'weight' \(text\), allowed: none \| weights \| sampler \| logit-adjust"),
        ("data.group_by=camera", r"got 'camera' \(text\), allowed: a list, each item text, or null"),
        ("data.group_by=[a", r"override 'data\.group_by=\[a': not valid YAML\. Line 1"),
        ("model.in_chans=4", r"got 4 \(a whole number\), allowed: 1 \| 3\. Channels that images are read as"),
        ("model=resnet18", r"model: got 'resnet18' \(text\), allowed: a mapping .* Write model\.backbone: resnet18\."),
        ("run.out=!!python/name:os.system x", r"tag 'tag:yaml\.org,2002:python/name:os\.system' is refused"),
        ("model.args={a: 1, a: 2}", r"key 'a' was already set on line 1"),
    ],
)  # fmt: skip
def test_a_wrong_override_is_explained(override, message):
    with pytest.raises(RecipeError, match=message):
        load(override)


@pytest.mark.parametrize(
    ("override", "section", "field", "value"),
    [
        ("data.label_column=no", "data", "label_column", "no"),
        ("data.group_column=2024", "data", "group_column", "2024"),
        ("data.group_pattern={camera}/{label}/*", "data", "group_pattern", "{camera}/{label}/*"),
        ("run.out=a=b", "run", "out", "a=b"),
        ("run.out=null", "run", "out", None),
        ("model.pretrained=false", "model", "pretrained", False),
        ("model.pretrained=[a] b", "model", "pretrained", "[a] b"),
        ("run.workers=0", "run", "workers", 0),
        ("run.workers=auto", "run", "workers", "auto"),
        ("optim.ema=yes", "optim", "ema", True),
        ("model.args={img_size: 64}", "model", "args", {"img_size": 64}),
        ("strategy.options.decay=.5", "strategy", "options", {"decay": 0.5}),
        ("strategy.options={}", "strategy", "options", {}),
    ],
)
def test_an_override_is_read_as_its_field_wants_it(override, section, field, value):
    got = getattr(getattr(load(override), section), field)
    assert got == value
    assert type(got) is type(value)


def test_every_problem_of_a_file_is_listed_with_its_line(write):
    file = write("data:\n  path: x\n  val: 1.5\noptim:\n  lrr: 1\nrun: {workers: x}\nseed: 1\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(file, [])
    lines = str(caught.value).splitlines()
    assert len(lines) == 4  # one a key, although workers fails both members of its union
    assert f'{file}, line 5: unknown key "optim.lrr". Did you mean "optim.lr"?' in lines
    assert f'{file}, line 7: unknown key "seed". Did you mean "run.seed"?' in lines
    assert lines[0].startswith(f"{file}, line 3: data.val: got 1.5 (a number), allowed: a number from 0 below 1.")
    assert any(f"{file}, line 6: run.workers: got 'x' (text)" in line for line in lines)


def test_settings_that_contradict_one_another_are_explained(write):
    file = write("data: {path: x, val: 0.6, test: 0.4}\nmodel:\n  in_chans: 1\n  mean: [0.5, 0.5, 0.5]\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(file, [])
    assert f"{file}, line 1: data: val 0.6 and test 0.4 leave nothing to train on" in str(caught.value)
    assert f"{file}, line 2: model: mean has 3 values for 1 channels" in str(caught.value)


def test_a_word_that_yaml_reads_as_true_or_false_asks_for_quotes(write):
    file = write("data:\n  path: x\n  label_column: no\n  group_pattern: '{a}/{b}'\n  group_by: [a, on]\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(file, [])
    first, second = str(caught.value).splitlines()
    assert "line 3: data.label_column: got false (true/false), allowed: text. YAML reads this word" in first
    assert "line 5: data.group_by[1]: got true (true/false)" in second
    assert "quote it" in first
    assert "quote it" in second


def test_the_missing_path_is_asked_for(write):
    with pytest.raises(RecipeError, match=r"birds\.yaml: data\.path is missing.*data\.path=photos/"):
        load_recipe(write("run: {seed: 1}"), [])
    with pytest.raises(RecipeError, match=r"^data\.path is missing"):
        load_recipe(None, [])


@pytest.mark.parametrize("text", ["", "# nothing\n", "optim:\nmodel:\n"])
def test_an_empty_file_or_section_means_the_defaults(write, text):
    assert load_recipe(write(text), ["data.path=photos"]) == load()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b", r"got a list at the top, allowed: a mapping"),
        ("just text", r"got a str at the top"),
        ("run:\n  seed: 1\n  seed: 2\n", r"line 3: key 'seed' was already set on line 2"),
        ("run: {seed: 1}\nrun: {seed: 2}\n", r"line 2: key 'run' was already set on line 1"),
        ("run: [", r"not valid YAML\. Line 1, column 7"),
        ("run:\n\tseed: 1", r"not valid YAML\. Line 2"),
        ("a: 1\n---\nb: 2", r"not valid YAML"),
        ("data: {path: \x00}", r"not valid YAML"),
        ("run: &x {seed: 1}\noptim: *x", r"line 1: anchors .* are refused; use 'base"),
        ("run: &x [*x]", r"anchors .* are refused"),
        ("<<: {a: 1}", r'unknown key "<<"'),
        ("no: 1", r"line 1: key 'no' is not text: quote it"),
        ("? [a]\n: 1", r"key 'sequence' is not text"),
        ("run: {seed: " + "1" * 5000 + "}", r"a value cannot be read"),
        ("run: " + "[" * 5000, r"nested too deeply|not valid YAML"),
        ("run: !include other.yaml", r"tag '!include' is refused"),
        ("run: !!binary aGk=", r"tag 'tag:yaml\.org,2002:binary' is refused"),
        ("base: [a.yaml]", r"line 1: base: got \['a\.yaml'\], allowed: one file name"),
        ("base: gone.yaml", r"gone\.yaml: the recipe cannot be read: No such file"),
        (b"data:\n  path: caf\xe9\n", r"birds\.yaml, line 2: byte 0xe9 is not UTF-8"),
        (b"# " + b"x" * 1_000_001, r"larger than 1,000,000 bytes"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(write, text, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe(write(text), [])


def test_anchors_are_refused_wherever_they_are_defined(write):
    with pytest.raises(RecipeError, match="anchors"):
        load_recipe(write("data: {path: &p x}\nrun: {out: *p}"), [])


def test_a_circle_of_bases_is_refused(write):
    write("base: ../birds.yaml", "more/other.yaml")
    with pytest.raises(RecipeError, match=r"circle: birds\.yaml -> other\.yaml -> birds\.yaml"):
        load_recipe(write("base: more/other.yaml"), [])


def test_a_folder_is_no_recipe(tmp_path):
    with pytest.raises(RecipeError, match=r"the recipe cannot be read: Is a directory"):
        load_recipe(tmp_path, [])


def test_a_byte_order_mark_and_windows_line_ends_are_fine(write):
    assert load_recipe(write(b"\xef\xbb\xbfdata:\r\n  path: photos\r\n"), []) == load()


def test_a_relative_data_path_is_found_here_first_then_beside_the_file_that_set_it(write, tmp_path, monkeypatch):
    write("data: {path: photos}", "base/common.yaml")
    file = write("base: ../base/common.yaml", "recipes/birds.yaml")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert load_recipe(file, []).data.path == "photos"  # found nowhere: as written
    (tmp_path / "base" / "photos").mkdir()
    assert Path(load_recipe(file, []).data.path) == tmp_path / "base" / "photos"
    (here / "photos").mkdir()
    assert Path(load_recipe(file, []).data.path) == here / "photos"
    assert load_recipe(file, ["data.path=../base/photos"]).data.path == str(here / "../base/photos")


def test_a_path_of_the_command_line_is_never_looked_up_beside_the_recipe(write, tmp_path, monkeypatch):
    (tmp_path / "recipes" / "photos").mkdir(parents=True)
    file = write("data: {path: photos}", "recipes/birds.yaml")
    monkeypatch.chdir(tmp_path)
    assert load_recipe(file, ["data.path=photos"]).data.path == "photos"


def test_environment_variables_stay_text(write):
    recipe = load_recipe(write("data: {path: x}\nrun: {out: '${HOME}/${oc.env:HOME}/x'}"), [])
    assert recipe.run.out == "${HOME}/${oc.env:HOME}/x"


def test_importing_the_config_loads_no_torch():
    code = "import sys, vision_ft.config; assert not {'torch', 'numpy', 'timm'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
