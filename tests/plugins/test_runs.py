"""The examples of docs/extending.md in one run: every name is used, kept with the run, and asked for without them."""

from __future__ import annotations

import json
import logging
import multiprocessing
import re
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest

import vision_ft as vf
from tests.pictures import draw_folder
from tests.runs import tiny_run
from vision_ft.augment.presets import PRESETS, build_augment
from vision_ft.data.formats import FORMATS
from vision_ft.errors import DataError, ModelError, RecipeError
from vision_ft.evaluate.classification.metrics import METRICS, summarise
from vision_ft.models.heads import HEADS
from vision_ft.plugins import load
from vision_ft.plugins.installed import GROUP
from vision_ft.plugins.load import load_plugins
from vision_ft.reporting.own_sections import OWN_SECTIONS
from vision_ft.strategies import STRATEGIES
from vision_ft.tasks import TASKS
from vision_ft.tasks.classification import build_loss
from vision_ft.testing import check_format

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
NAMES = {
    "head": "norm-linear",
    "strategy": "top-groups",
    "loss": "robust",
    "preset": "windy",
    "format": "sidecar",
    "metric": "worst_recall",
    "section": "wrong-files",
}


def blocks(kind: str, *, checks: bool = False) -> str:
    """The blocks of the page that register entries, or with `checks` those that check them."""
    found = re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return "\n\n".join(block for block in found if ("vision_ft.testing" in block) == checks)


def draw_sidecar(root: Path) -> Path:
    """Images in one folder with the class name beside each."""
    draw_folder(root / "drawn")
    (root / "photos").mkdir()
    for path in sorted((root / "drawn").rglob("*.*")):
        name = f"{path.parent.name}_{path.stem}"
        (root / "photos" / f"{name}.png").write_bytes(path.read_bytes())
        (root / "photos" / f"{name}.txt").write_text(path.parent.name)
    return root / "photos"


@pytest.fixture
def plugins(plugin_file) -> Path:
    file = plugin_file(blocks("python"))
    load_plugins([file])
    return file


@pytest.fixture
def trained(plugins, tmp_path):
    return tiny_run(
        draw_sidecar(tmp_path),
        tmp_path / "run",
        data__format="sidecar",
        model__head="norm-linear",
        strategy__name="top-groups",
        strategy__epochs=2,
        strategy__options={"count": 3},
        optim__loss="robust",
        augment__preset="windy",
    )


def forget() -> None:
    """Be a process that was started without --plugins."""
    losses = TASKS["classification"].losses
    for registry in (HEADS, METRICS, OWN_SECTIONS, STRATEGIES, PRESETS, FORMATS, losses):
        for name in registry.added:
            registry.remove(name)
    load._modules.clear()


def test_every_example_is_used_kept_and_asked_for(trained, tmp_path, caplog):
    plan = json.loads((trained.path / "plan.json").read_text())
    assert (plan["head"], plan["strategy"], plan["phases"][0]["name"]) == ("norm-linear", "top-groups", "top")
    for split in ("val", "test"):
        numbers = trained.metrics["splits"][split]
        worst = min(row["recall"] for row in numbers["per_class"] if row["support"])
        assert numbers["worst_recall"] == pytest.approx(worst, abs=1e-6)
        low, high = numbers["worst_recall_interval"]
        assert 0 <= low <= numbers["worst_recall"] <= high <= 1
    page = (trained.path / "report.html").read_text()
    assert page.index('id="confusion"') < page.index('id="own-wrong-files"') < page.index('id="pairs"')
    assert "recall of the class that is found least" in page

    kept = json.loads((trained.path / "environment.json").read_text())["plugins"]
    assert {one["kind"]: one["name"] for one in kept} == NAMES
    assert {(one["file"], len(one["sha256"])) for one in kept} == {("my_plugins.py", 64)}
    config = json.loads((trained.path / "model" / "config.json").read_text())["vision_ft"]
    assert config["plugins"] == [one for one in kept if one["kind"] == "head"]
    assert "my_plugins" not in (trained.path / "recipe.yaml").read_text()

    picture = next((tmp_path / "photos").glob("*.png"))
    expected = vf.load(trained.path).predict([picture])[0].scores
    forget()
    with pytest.raises(
        ModelError,
        match=r"config.json: model.head: 'norm-linear' was registered by my_plugins.py when this run was trained; "
        r"give --plugins my_plugins.py or register it before loading.",
    ):
        vf.load(trained.path)
    with pytest.raises(RecipeError, match=r"run: model.head: 'norm-linear' was registered by my_plugins.py"):
        vf.finetune(trained.path, resume=True)
    with pytest.raises(RecipeError, match=r'"norm-linear" is unknown.* A head of your own: register it first, or give'):
        vf.finetune(trained.path / "recipe.yaml", out=tmp_path / "again")
    page = vf.report(trained.path).read_text()
    assert "own-wrong-files" not in page
    assert "metric: &#39;worst_recall&#39; was registered by my_plugins.py when this run was trained" in page
    assert "section: &#39;wrong-files&#39; was registered by my_plugins.py when this run was trained" in page

    Path("my_plugins.py").write_text("# newer\n" + Path("my_plugins.py").read_text())
    load_plugins(["my_plugins.py"])
    with caplog.at_level(logging.WARNING):
        assert vf.load(trained.path).predict([picture])[0].scores == expected
    assert "head 'norm-linear': my_plugins.py has changed since this run was trained." in caplog.text
    assert "own-wrong-files" in vf.report(trained.path).read_text()


def test_an_adaptation_keeps_and_asks_for_what_the_source_used(trained, tmp_path):
    new = draw_folder(tmp_path / "new", seed=1)
    adapted = vf.adapt(trained.path, new, strategy="source", out=tmp_path / "adapted")
    kept = json.loads((adapted.path / "environment.json").read_text())["plugins"]
    assert {one["kind"]: one["name"] for one in kept} == {
        key: NAMES[key] for key in ("head", "loss", "preset", "metric", "section")
    }
    assert "own-wrong-files" in (adapted.path / "report.html").read_text()
    forget()
    with pytest.raises(RecipeError, match=r"run: model.head: 'norm-linear' was registered by my_plugins.py"):
        vf.adapt(trained.path, new, out=tmp_path / "again")
    with pytest.raises(RecipeError, match=r"adapted: model.head: 'norm-linear' was registered by my_plugins.py"):
        vf.adapt(adapted.path, resume=True)


def test_every_example_passes_the_checks_that_the_page_shows(plugins, tmp_path):
    exec(compile(blocks("python", checks=True), str(PAGE), "exec"), {})
    (tmp_path / "empty").mkdir()
    table = check_format("sidecar", draw_sidecar(tmp_path), broken=tmp_path / "empty")
    assert len(table) == 30


def _draw(augment) -> list:
    return augment(np.full((40, 40, 3), 100, np.uint8), 3).tolist()


def test_a_preset_of_a_file_is_there_in_a_process_that_starts_anew(plugins):
    augment = build_augment("windy", size=(16, 16))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(_draw, [augment]) == [_draw(augment)]


def test_the_entry_point_example_names_the_group():
    assert list(tomllib.loads(blocks("toml"))["project"]["entry-points"]) == [GROUP]


def test_a_metric_that_raises_is_left_out_and_named(caplog):
    vf.register_metric("broken", lambda answers: 1 / 0, meaning="nothing")
    truth = np.array([0, 1])
    with caplog.at_level(logging.ERROR):
        numbers = summarise(truth, None, truth, classes=("a", "b"))
    assert (numbers["broken"], numbers["broken_interval"], numbers["accuracy"]) == (None, None, 1.0)
    assert "metric broken: ZeroDivisionError: division by zero; it is left out" in caplog.text


def test_the_interval_of_a_metric_is_over_whole_groups_where_there_are_eight():
    """Ten images of a group are alike: five groups right and five wrong know as much as ten images, not a hundred."""
    vf.register_metric("right", lambda answers: float(np.mean(answers.targets == answers.predicted)), meaning="right")
    groups = np.repeat([f"day {number}" for number in range(10)], 10).astype(object)
    truth = np.zeros(100, np.int64)
    predicted = np.repeat(np.arange(10) % 2, 10)
    widths = {}
    for name, given in (("images", None), ("groups", groups)):
        numbers = summarise(truth, None, predicted, classes=("a", "b"), groups=given)
        low, high = numbers["right_interval"]
        widths[name] = high - low
        assert numbers["right"] == numbers["accuracy"] == 0.5
    # 2 * 1.96 * sqrt(0.25 / n) for n of 100 images and of 10 groups
    assert widths["images"] == pytest.approx(0.196, abs=0.03)
    assert widths["groups"] == pytest.approx(0.62, abs=0.05)


def test_a_metric_named_like_a_key_of_the_summary_is_refused():
    for name in ("confusion", "n", "accuracy_interval"):
        with pytest.raises(RecipeError, match=f'metric "{name}": metrics.json holds something else'):
            vf.register_metric(name, len, meaning="nothing")


def test_a_loss_is_refused_where_it_cannot_be_used():
    with pytest.raises(RecipeError, match='loss "mine": the heads of detection bring their own losses'):
        vf.register_loss("mine", print, task="detection")
    with pytest.raises(RecipeError, match='task: "detect" is unknown. Did you mean "detection"'):
        vf.register_loss("mine", print, task="detect")


def test_an_option_that_a_loss_does_not_take_is_refused():
    vf.register_loss("plain", lambda class_counts: lambda outputs, target: outputs.sum())
    counts = np.array([1, 1])
    assert callable(build_loss(counts, name="plain", imbalance="sampler"))
    with pytest.raises(RecipeError, match="optim.imbalance: got 'weights', but the loss \"plain\" does not take it"):
        build_loss(counts, name="plain", imbalance="weights")
    with pytest.raises(RecipeError, match="optim.label_smoothing: got 0.1, but the loss"):
        build_loss(counts, name="plain", label_smoothing=0.1)


def test_a_broken_plugin_record_is_no_record(trained):
    file = trained.path / "model" / "config.json"
    config = json.loads(file.read_text())
    for value in (None, "text", [1, "x", {}], {"kind": "head"}):
        config["vision_ft"]["plugins"] = value
        file.write_text(json.dumps(config))
        assert vf.load(trained.path).classes
    shutil.rmtree(trained.path / "model")
    with pytest.raises((ModelError, DataError)):
        vf.load(trained.path)
