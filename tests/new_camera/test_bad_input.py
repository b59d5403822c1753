"""What cannot be meant is refused in words; what is odd is handled and said."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import vision_ft as vf
from tests.cameras import adapt_tiny, candidate, draw_camera, findings_of
from tests.runs import tiny_run
from vision_ft.errors import DataError, ModelError, RecipeError
from vision_ft.models.folder import CONFIG_FILE, KEY


@pytest.fixture
def lonely(source, tmp_path):
    """A copy of the source run whose images are gone."""
    copy = shutil.copytree(source, tmp_path / "lonely")
    (copy / "data.parquet").unlink()
    return copy


def test_classes_that_have_nothing_in_common_are_refused_with_both_lists(source, tmp_path):
    new = draw_camera(tmp_path / "new", seed=1).rename(tmp_path / "renamed")
    for name in ("amber", "blue", "crimson"):
        (new / name).rename(new / f"cam {name}")
    with pytest.raises(
        DataError, match=r"renamed: its classes \['cam amber', .*\] and those of the model \['amber', "
    ) as error:
        adapt_tiny(source, new, tmp_path / "run")
    assert 'images without a label go into a folder called "unlabelled"' in str(error.value)


def test_one_class_only_is_learned_beside_the_old_ones_and_said(source, tmp_path):
    new = draw_camera(tmp_path / "new", seed=1, classes=("amber",), per_class=20, dim=0.6)
    run = adapt_tiny(source, new, tmp_path / "run", strategy=["head", "full", "plain-full"], strategy__epochs=2)
    assert run.outcome["classes"]["absent_on_new"] == ["blue", "crimson"]
    assert candidate(run, "head")["status"] == "done"
    assert candidate(run, "full")["status"] == "done"
    assert "the new camera has no image of ['blue', 'crimson']" in findings_of(run.path)


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_one_class_without_old_pictures_teaches_nothing_and_says_why(head, tmp_path):
    old = draw_camera(tmp_path / "old", seed=0, per_class=8)
    run = tiny_run(
        old, tmp_path / "run", strategy__name="feature-extraction", strategy__epochs=1, model__head=head
    ).path
    shutil.rmtree(old)
    new = draw_camera(tmp_path / "new", seed=1, classes=("amber",), per_class=20)
    names = ["head", "full", "plain-full"]
    adapted = adapt_tiny(run, new, tmp_path / "out", strategy=names, strategy__epochs=2)
    for name in names:
        assert candidate(adapted, name)["status"] == "skipped"
        assert "of one class only" in candidate(adapted, name)["reason"]
    assert adapted.recommended == "source"


def test_fewer_pictures_than_classes_are_handled_and_said(source, tmp_path):
    new = draw_camera(tmp_path / "new", seed=1, classes=("amber",), per_class=2)
    run = adapt_tiny(source, new, tmp_path / "run", strategy=["batchnorm", "head", "full"], strategy__epochs=2)
    assert "2 images for 3 classes: too few to measure each class." in findings_of(run.path)
    assert "the new camera has no test images" in findings_of(run.path)
    assert "at least 32" in candidate(run, "batchnorm")["reason"]
    assert run.outcome["decision"]["exit_code"] == 3


def test_few_pictures_and_no_old_ones_still_end_in_a_decision(lonely, tmp_path):
    new = draw_camera(tmp_path / "new", seed=1, per_class=3)
    run = adapt_tiny(lonely, new, tmp_path / "run", strategy=["head", "full"], strategy__epochs=2, labels=4)
    assert candidate(run, "head")["status"] in ("done", "skipped")
    assert run.outcome["old_missing"].startswith("the source run lists no images (data.parquet is missing)")


def test_a_class_of_val_that_train_lacks_is_handled_without_old_pictures(lonely, new, tmp_path):
    lines = ["path,label,split"]
    for file in sorted(new.rglob("*.png")):
        split = "train" if int(file.stem) < 8 else ("val" if int(file.stem) < 10 else "test")
        lines.append(f"{file},{file.parent.name},{'val' if file.parent.name == 'blue' else split}")
    (tmp_path / "new.csv").write_text("\n".join(lines))
    run = adapt_tiny(lonely, tmp_path / "new.csv", tmp_path / "run", strategy=["head", "full"], strategy__epochs=2,
                     data__root=str(new))  # fmt: skip
    assert candidate(run, "head")["status"] == "done"


@pytest.mark.parametrize("classes", [["amber"], ["amber", "blue"]])
def test_pictures_that_are_too_few_to_split_are_refused(classes, source, tmp_path):
    new = draw_camera(tmp_path / "new", seed=1, classes=classes, per_class=1)
    with pytest.raises(DataError, match=rf"new: no image is left for val: {len(classes)} images are too few to split"):
        adapt_tiny(source, new, tmp_path / "run")


@pytest.mark.parametrize("mode", ["L", "1", "I;16"])
def test_grey_and_infrared_pictures_on_a_colour_model_are_taken_and_said(mode, source, tmp_path):
    new = draw_camera(tmp_path / "new", seed=1, per_class=10, mode="1" if mode == "1" else "L")
    if mode == "I;16":
        for file in new.rglob("*.png"):
            with Image.open(file) as grey:
                deep = np.asarray(grey).astype(np.uint16) * 257
            Image.fromarray(deep).save(file)
    run = adapt_tiny(source, new, tmp_path / "run")
    assert run.outcome["new"]["pictures"] == 30
    assert candidate(run, "head")["status"] == "done"
    said = "The new camera's images have no colour: they are grey or infrared."
    assert said in run.outcome["shift"]["sentences"]


@pytest.mark.parametrize("size", [9, 400])
def test_pictures_of_another_size_are_taken(size, source, tmp_path):
    new = draw_camera(tmp_path / "new", seed=1, per_class=4, size=size)
    run = adapt_tiny(source, new, tmp_path / "run")
    assert candidate(run, "head")["status"] == "done"


def test_broken_pictures_are_refused_or_left_out(source, new, tmp_path):
    copy = shutil.copytree(new, tmp_path / "new")
    (copy / "blue" / "bad.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"(?s)bad.png.*data.on_bad=drop"):
        adapt_tiny(source, copy, tmp_path / "run")
    run = adapt_tiny(source, copy, tmp_path / "dropped", data__on_bad="drop")
    assert run.outcome["new"]["pictures"] == 36


def test_a_run_of_another_task_is_refused(source, new, tmp_path):
    copy = shutil.copytree(source, tmp_path / "segments")
    file = copy / "model" / CONFIG_FILE
    config = json.loads(file.read_text())
    config[KEY]["task"] = "segmentation"
    file.write_text(json.dumps(config))
    with pytest.raises(
        ModelError, match=r"segments: the task of its model is segmentation, but classification is to be adapted"
    ):
        adapt_tiny(copy, new, tmp_path / "run")


def test_a_run_without_a_model_is_refused(source, new, tmp_path):
    copy = shutil.copytree(source, tmp_path / "unfinished")
    shutil.rmtree(copy / "model")
    for run in (copy, tmp_path / "nowhere"):
        with pytest.raises(ModelError, match=rf"{run.name}: no trained model here \(model/config.json is missing\)"):
            adapt_tiny(run, new, tmp_path / "run")
    (copy / "model").mkdir()
    shutil.copy(source / "model" / CONFIG_FILE, copy / "model")
    with pytest.raises(ModelError, match=r"model.safetensors"):
        adapt_tiny(copy, new, tmp_path / "run")


def test_a_damaged_model_is_refused(source, new, tmp_path):
    copy = shutil.copytree(source, tmp_path / "damaged")
    file = copy / "model" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"damaged/model/model.safetensors"):
        adapt_tiny(copy, new, tmp_path / "run")


def test_a_trained_run_alone_is_no_adaptation_to_resume(source):
    with pytest.raises(RecipeError, match=r"adapt.source is missing: name the run to start from"):
        vf.adapt(source)


def test_a_new_camera_must_be_named(tmp_path):
    with pytest.raises(RecipeError, match=r"none: NEW is missing: vision-ft adapt RUN NEW"):
        vf.adapt(tmp_path / "none")


def test_an_empty_new_camera_is_refused(source, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: no images found"):
        adapt_tiny(source, tmp_path / "empty", tmp_path / "run")
    with pytest.raises(DataError, match="nowhere: no such folder or file"):
        adapt_tiny(source, tmp_path / "nowhere", tmp_path / "run")


def test_a_label_column_that_is_not_there_is_refused(source, new, tmp_path):
    (tmp_path / "new.csv").write_text("path,state\n" + f"{new}/amber/000.png,amber\n")
    with pytest.raises(DataError, match=r"no column 'sate'; found are \['path', 'state'\]. Did you mean"):
        adapt_tiny(source, tmp_path / "new.csv", tmp_path / "run", data__root=str(new), data__label_column="sate")


def test_a_pattern_may_name_pictures_without_a_label(source, new, tmp_path):
    copy = shutil.copytree(new, tmp_path / "new" / "cam2")
    (copy / "blue").rename(copy / "unlabelled")
    run = adapt_tiny(source, copy.parent, tmp_path / "run", group="{camera}/{label}/*", data__val=0.0, data__test=0.0)
    assert (run.outcome["new"]["pictures"], run.outcome["new"]["labelled"]) == (36, 24)
    assert run.outcome["classes"]["added"] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "gradual"}, r'adapt.candidates: "gradual" is unknown.*Did you mean "gradual-unfreeze"'),
        ({"strategy": ["head", "nonsense"]}, r'adapt.candidates: "nonsense" is unknown.*[Aa]llowed'),
        ({"labels": 0}, r"adapt.labels: got 0"),
        ({"labels": -3}, r"adapt.labels: got -3"),
        ({"max_forgetting": -0.1}, r"adapt.max_forgetting: got -0.1"),
        ({"max_forgetting": 1.0}, r"adapt.max_forgetting: got 1.0"),
        ({"run__devices": 2}, r"run.devices: got 2; adapting works on one device"),
        ({"adapt__metric": "f1"}, r"adapt.metric: got .?.f1."),
        ({"run__device": "gpu"}, r'run.device: got "gpu"; allowed'),
        ({"adapt__keep": "/no/such/folder"}, None),
    ],
)
def test_values_that_cannot_be_meant_are_refused_by_key(options, message, source, new, tmp_path):
    kind = DataError if message is None else RecipeError
    with pytest.raises(kind, match=message or "/no/such/folder: no such folder or file"):
        adapt_tiny(source, new, tmp_path / "run", **options)
    assert not (tmp_path / "run" / "recipe.yaml").exists(), "nothing is left that looks like a run"


def test_a_vit_is_adapted_and_told_that_it_has_no_batchnorm(tmp_path):
    old = draw_camera(tmp_path / "old", seed=0, per_class=6)
    vit = {"model__backbone": "test_vit", "model__image_size": 32}
    run = tiny_run(old, tmp_path / "run", strategy__name="feature-extraction", **vit).path
    new = draw_camera(tmp_path / "new", seed=1, per_class=6, dim=0.6)
    names = ["batchnorm", "head", "surgical", "full"]
    adapted = adapt_tiny(run, new, tmp_path / "out", strategy=names, strategy__epochs=2)
    assert candidate(adapted, "batchnorm")["status"] == "skipped"
    assert "has no BatchNorm (a ViT, for one): there is nothing" in candidate(adapted, "batchnorm")["reason"]
    assert all(candidate(adapted, name)["status"] == "done" for name in names[1:])
    assert adapted.outcome["shift"]["batchnorm"] is None


def test_a_model_of_grey_pictures_is_adapted(tmp_path):
    old = draw_camera(tmp_path / "old", seed=0, per_class=6)
    run = tiny_run(old, tmp_path / "run", strategy__name="feature-extraction", model__in_chans=1).path
    new = draw_camera(tmp_path / "new", seed=1, per_class=6, dim=0.6)
    adapted = adapt_tiny(run, new, tmp_path / "out", strategy=["head", "full"], strategy__epochs=2)
    assert candidate(adapted, "full")["status"] == "done"
