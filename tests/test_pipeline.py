"""From a folder of images to a finished run folder, for every head and strategy."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

import vision_ft as vf
from tests.pictures import draw_folder
from tests.runs import tiny_run
from vision_ft.config import load_recipe
from vision_ft.data.images.decode import decode
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError, RecipeError
from vision_ft.evaluate.classification.predictions import read_predictions
from vision_ft.models.heads import HEADS
from vision_ft.strategies import STRATEGIES


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return draw_folder(tmp_path_factory.mktemp("data"), per_class=14)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory) -> vf.Run:
    out = tmp_path_factory.mktemp("runs") / "run"
    return tiny_run(data, out, strategy__name="gradual-unfreeze", strategy__epochs=4, optim__label_smoothing=0.1)


def test_the_run_folder_holds_what_the_design_lists(run):
    names = {path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file()}
    expected = {
        "recipe.yaml", "environment.json", "data.parquet", "findings.csv", "plan.json", "log.jsonl", "metrics.json",
        "report.html", "model/model.safetensors", "model/config.json", "predictions/val.parquet",
        "predictions/test.parquet", "report/augmentation.jpg", "checkpoints/last.pt",
    }  # fmt: skip
    assert expected <= names
    assert not [name for name in names if name.endswith(".tmp")]


def test_the_stored_recipe_repeats_the_run_bit_for_bit(run, data, tmp_path):
    recipe = load_recipe(run.path / "recipe.yaml", [])
    assert recipe.data.path == str(data)
    again = vf.finetune(run.path / "recipe.yaml", out=tmp_path / "again")
    assert again.metrics["splits"] == run.metrics["splits"]


def test_the_plan_states_rates_and_parameters(run):
    plan = json.loads((run.path / "plan.json").read_text())
    sizes = {group["name"]: group["parameters"] for group in plan["groups"]}
    assert plan["phases"][0] == {
        "name": "fit head", "epochs": 0, "solver": "convex", "groups": {"head": 3e-3},
        "trainable_parameters": sizes["head"],
    }  # fmt: skip
    last = plan["phases"][-1]
    assert last["trainable_parameters"] == sum(sizes[name] for name in last["groups"])
    assert last["groups"]["head"] == 0.003
    assert sum(phase["epochs"] for phase in plan["phases"]) == 4


def test_every_picture_is_in_one_split_and_predicted_once(run):
    table = SampleTable.read(run.path / "data.parquet")
    assert sorted(table.splits) == sorted(["train"] * 30 + ["val"] * 6 + ["test"] * 6)
    for split in ("val", "test"):
        ids = read_predictions(run.path / "predictions" / f"{split}.parquet").ids
        assert sorted(ids) == sorted(table.rows(split))


def test_weights_were_chosen_on_val_between_head_only_and_tuned(run):
    selection = run.metrics["selection"]
    assert set(selection["sweep"]) == {"0.0", "0.25", "0.5", "0.75", "1.0"}
    best = max(selection["sweep"].values(), key=lambda scores: (scores["macro_f1"], -scores["loss"]))
    assert selection["sweep"][str(selection["alpha"])] == best


def test_timm_loads_the_model_folder_with_the_same_scores_from_the_file(run, data):
    model = timm.create_model(f"local-dir:{run.path / 'model'}", pretrained=True).eval()
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model), is_training=False)
    stored = read_predictions(run.path / "predictions" / "test.parquet")
    images = torch.stack([transform(decode(data / path)) for path in stored.paths])
    with torch.inference_mode():
        scores = model(images).softmax(dim=1).numpy()
    assert np.abs(scores - stored.scores).max() < 1e-4
    assert list(model.pretrained_cfg["label_names"]) == list(stored.classes)


@pytest.mark.slow
@pytest.mark.parametrize("head", [name for name, spec in HEADS.items() if spec.takes == "pooled"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_head_learns_under_every_strategy(strategy, head, data, tmp_path):
    epochs = {"feature-extraction": 30}.get(strategy, 12)
    run = tiny_run(
        data, tmp_path / "run", strategy__name=strategy, strategy__epochs=epochs, model__head=head,
        augment__preset="none", data__test=0.3,
    )  # fmt: skip
    chance = 1 / 3
    log = [json.loads(line) for line in (run.path / "log.jsonl").read_text().splitlines()]
    assert run.metrics["splits"]["test"]["accuracy"] > chance + 0.2
    if log:
        # a head that starts at its optimum has nothing to win on images it knows
        assert log[-1]["train_loss"] < max(log[0]["train_loss"], 0.1)


@pytest.mark.parametrize("imbalance", ["weights", "sampler", "logit-adjust"])
@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_every_answer_to_imbalance_runs(imbalance, head, data, tmp_path):
    run = tiny_run(
        data, tmp_path / "run", optim__imbalance=imbalance, model__head=head, strategy__epochs=2,
        strategy__name="full",
    )  # fmt: skip
    assert run.metrics["splits"]["val"]["n"] == 6


def test_mixup_cutmix_ema_sgd_and_accumulation_run(data, tmp_path):
    run = tiny_run(
        data, tmp_path / "run", strategy__name="full", strategy__epochs=2, augment__mixup=0.2, augment__cutmix=1.0,
        optim__ema=True, optim__name="sgd", optim__lr=1e-3, optim__accumulate=3,
    )  # fmt: skip
    log = [json.loads(line) for line in (run.path / "log.jsonl").read_text().splitlines()]
    assert len(log) == 2
    assert log[0]["train_accuracy"] is None, "accuracy against mixed labels means nothing"


def test_epochs_that_change_nothing_stop_the_run_early(data, tmp_path):
    run = tiny_run(
        data, tmp_path / "run", strategy__name="full", strategy__epochs=12, optim__lr=1e-12, optim__patience=2,
        optim__batchnorm="eval", optim__weight_decay=0.0,
    )  # fmt: skip
    log = (run.path / "log.jsonl").read_text().splitlines()
    assert len(log) <= 5


def test_grey_pictures_train_a_one_channel_network(data, tmp_path):
    run = tiny_run(data, tmp_path / "run", model__in_chans=1, strategy__name="full", strategy__epochs=1)
    (answer,) = run.load().predict(next(data.rglob("*.png")))
    assert answer.label in ("amber", "blue", "crimson")


def test_groups_of_a_csv_stay_on_one_side_and_get_their_own_table(data, tmp_path):
    files = sorted(data.rglob("*.png"))
    rows = [f"{file.relative_to(data)},{file.parent.name},site{index % 7}" for index, file in enumerate(files)]
    (data / "labels.csv").write_text("path,label,group\n" + "\n".join(rows) + "\n")
    run = tiny_run(data / "labels.csv", tmp_path / "run", strategy__name="feature-extraction")
    (data / "labels.csv").unlink()
    table = SampleTable.read(run.path / "data.parquet")
    sides = {group: set(table.splits[table.groups == group]) for group in set(table.groups)}
    assert all(len(splits) == 1 for splits in sides.values())
    assert run.metrics["splits"]["test"]["groups"]


def test_a_broken_picture_fails_the_run_or_is_dropped(tmp_path):
    data = draw_folder(tmp_path / "data")
    (data / "blue" / "bad.png").write_bytes(b"not an image")
    with pytest.raises(DataError, match=r"(?s)bad.png.*data.on_bad=drop"):
        tiny_run(data, tmp_path / "one", strategy__name="feature-extraction")
    run = tiny_run(data, tmp_path / "two", strategy__name="feature-extraction", data__on_bad="drop")
    assert sum(run.metrics["splits"][split]["n"] for split in ("val", "test")) > 0
    assert "bad.png" in (run.path / "findings.csv").read_text()
    assert len(SampleTable.read(run.path / "data.parquet")) == 30


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("strategy__name", "full-finetune", r'strategy.name: "full-finetune" is unknown.*Allowed: feature-extraction'),
        ("model__head", "liner", r'model.head: "liner" is unknown. Did you mean "linear"\?'),
        ("augment__preset", "lite", r'augment.preset: "lite" is unknown.*Allowed: none, light'),
        ("optim__metric", "f1", r'optim.metric: got "f1"; allowed: macro_f1, accuracy'),
        ("strategy__options", {"decai": 2}, r'strategy.options.decai.*Did you mean "decay"\?'),
        ("run__device", "gpu", r'run.device: got "gpu"; allowed: auto, cpu, cuda'),
        (
            "task",
            "segmentation",
            r"task: got segmentation, but .* holds one label per image. Add --task classification",
        ),
    ],
)
def test_a_name_that_does_not_exist_is_answered_with_those_that_do(key, value, message, data, tmp_path):
    with pytest.raises(RecipeError, match=message):
        tiny_run(data, tmp_path / "run", **{key: value})


def test_the_convex_solver_is_refused_for_other_heads(data, tmp_path):
    with pytest.raises(RecipeError, match='"convex" fits linear heads of classification; model.head is "mlp"'):
        tiny_run(data, tmp_path / "run", model__head="mlp", strategy__options={"solver": "convex"})
