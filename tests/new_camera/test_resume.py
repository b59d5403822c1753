"""A job that was cut: by its folder, by its recipe, with other data; and the source run that may go meanwhile."""

from __future__ import annotations

import shutil

import pytest

import vision_ft as vf
from tests.cameras import (
    QUICK,
    Killed,
    adapt_tiny,
    candidate,
    draw_camera,
    outcome_without_time,
    weights_of,
    write_recipe,
)
from vision_ft.config import load_recipe
from vision_ft.engine import loop
from vision_ft.errors import RecipeError, ResumeError
from vision_ft.new_camera import job, outputs


def kill(*_arguments, **_options):
    raise Killed


@pytest.fixture
def cut(source, new, tmp_path):
    """A job that was killed after its first candidate."""
    with pytest.raises(Killed):
        adapt_tiny(source, new, tmp_path / "cut", on_candidate=kill)
    return tmp_path / "cut"


def test_a_job_is_resumed_by_its_folder_alone(source, new, cut, tmp_path):
    whole = adapt_tiny(source, new, tmp_path / "whole")
    resumed = vf.adapt(cut, resume=True)
    assert resumed.path == cut
    assert weights_of(cut) == weights_of(whole.path)
    assert outcome_without_time(cut) == outcome_without_time(whole.path)


@pytest.mark.parametrize("step", ["decide", "advise", "write_outputs", "build_report"])
def test_a_job_killed_at_its_end_is_finished_on_resume(step, source, new, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(job, step, kill)
        with pytest.raises(Killed):
            adapt_tiny(source, new, tmp_path / "cut")
    adapted = vf.adapt(tmp_path / "cut", resume=True)
    assert (adapted.path / "report.html").is_file() == (step == "build_report"), "the tests leave it out elsewhere"
    assert candidate(adapted, "head")["status"] == "done"


def test_a_job_killed_between_its_files_has_no_metrics_and_writes_them_on_resume(source, new, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(outputs, "_document", kill)
        with pytest.raises(Killed):
            adapt_tiny(source, new, tmp_path / "cut")
    assert not (tmp_path / "cut" / "metrics.json").exists()
    assert vf.adapt(tmp_path / "cut", resume=True).metrics["splits"]["test"]["n"] > 0


def test_a_request_to_end_keeps_the_finished_candidates(source, new, tmp_path, monkeypatch):
    original = loop.stop_if_asked

    def ask(run, stage):
        run.stop.requested = True
        original(run, stage)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "stop_if_asked", ask)
        with pytest.raises(SystemExit) as exit_:
            adapt_tiny(source, new, tmp_path / "cut", strategy=["head", "full"], strategy__epochs=2)
    assert exit_.value.code == 143
    made = tmp_path / "cut" / "candidates"
    finished = {folder.name for folder in made.iterdir() if (folder / "result.json").is_file()}
    assert finished == {"source", "head"}
    assert (made / "full" / "checkpoints" / "last.pt").is_file()
    vf.adapt(tmp_path / "cut", resume=True)
    assert not (made / "full" / "checkpoints").exists(), "of no use once the candidate is finished"


def test_a_finished_job_is_not_made_again(source, new, tmp_path):
    adapt_tiny(source, new, tmp_path / "run")
    before = (tmp_path / "run" / "adaptation.json").stat().st_mtime_ns
    again = vf.adapt(tmp_path / "run", resume=True, on_candidate=kill)
    assert (again.path / "adaptation.json").stat().st_mtime_ns == before


def test_changed_pictures_of_the_new_camera_are_refused_by_name(source, new, tmp_path):
    copy = shutil.copytree(new, tmp_path / "new")
    with pytest.raises(Killed):
        adapt_tiny(source, copy, tmp_path / "cut", on_candidate=kill)
    draw_camera(tmp_path / "other", seed=8, per_class=1)
    shutil.copy(tmp_path / "other" / "blue" / "000.png", copy / "blue" / "003.png")
    with pytest.raises(ResumeError, match=r"the data changed since the run began, in 1 images: .*new/blue/003.png"):
        vf.adapt(tmp_path / "cut", resume=True)


def test_a_source_whose_model_changed_is_refused(source, new, tmp_path):
    copy = shutil.copytree(source, tmp_path / "source")
    with pytest.raises(Killed):
        adapt_tiny(copy, new, tmp_path / "cut", on_candidate=kill)
    other = adapt_tiny(source, new, tmp_path / "other", max_forgetting=0.9)
    shutil.copy(other.path / "candidates" / "head" / "model" / "model.safetensors", copy / "model")
    with pytest.raises(ResumeError, match=r"source: its model changed since the adaptation in .*cut began"):
        vf.adapt(tmp_path / "cut", resume=True)


def test_another_recipe_is_refused_with_both_values(source, new, cut):
    with pytest.raises(ResumeError, match=r"adapt.rehearsal: 0.25 -> 0.5"):
        adapt_tiny(source, new, cut, resume=True, adapt__rehearsal=0.5)
    with pytest.raises(ResumeError, match="holds a run already"):
        adapt_tiny(source, new, cut)
    with pytest.raises(ResumeError, match="holds a run already"):
        vf.adapt(cut)


def test_train_refuses_the_recipe_of_an_adaptation(cut, tmp_path):
    for given in (cut, cut / "recipe.yaml"):
        with pytest.raises(RecipeError, match="this recipe retrains a run on a new camera: use 'vision-ft adapt'"):
            vf.finetune(given, out=tmp_path / "trained")


def test_a_recipe_file_stands_for_the_new_camera(source, new, tmp_path):
    values = {"data": {"path": str(new), "val": 0.3}, "adapt": {"labels": 8, "candidates": ["head"], "next_labels": 5}}
    file = write_recipe(tmp_path / "camera.yaml", values)
    adapted = vf.adapt(source, file, out=tmp_path / "run", overrides=QUICK)
    assert adapted.outcome["labels"]["budget"] == 8
    assert [entry["name"] for entry in adapted.outcome["candidates"]] == ["source", "head"]
    recipe, known = load_recipe(adapted.path / "recipe.yaml", []), load_recipe(source / "recipe.yaml", [])
    assert recipe.data.val == 0.3
    assert (recipe.model, recipe.optim, recipe.augment) == (known.model, known.optim, known.augment)
    assert recipe.adapt.source == str(source)


def test_the_run_that_is_named_wins_over_the_one_in_the_recipe(source, new, tmp_path):
    first = adapt_tiny(source, new, tmp_path / "first")
    stored = load_recipe(first.path / "recipe.yaml", []).model_dump()
    stored["data"]["path"] = str(draw_camera(tmp_path / "third", seed=7, per_class=8))
    file = write_recipe(tmp_path / "again.yaml", stored)
    second = vf.adapt(first.path, file, out=tmp_path / "second")
    assert second.outcome["source"]["run"] == str(first.path)
