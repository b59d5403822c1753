"""Every candidate for a new camera: the source run stays, the seed decides, a killed job goes on bit-identical."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vision_ft as vf
from tests.cameras import Killed, adapt_tiny, draw_camera, hash_folder, outcome_without_time, weights_of
from tests.runs import tiny_run
from vision_ft.engine import loop
from vision_ft.new_camera import job
from vision_ft.new_camera.candidates import CANDIDATES

pytestmark = pytest.mark.slow

TRAINED = ["pseudo-labels", "gradual-unfreeze", "surgical", "full", "plain-full"]  # by steps of the engine
OPTIONS: dict[str, dict[str, Any]] = {
    "linear": {"strategy": list(CANDIDATES)},
    "mlp": {"strategy": ["full"]},
    "cosine": {"strategy": ["head"]},
}
# a confidence that pseudo-labels reach
OPTIONS = {head: {"adapt__confidence": 0.4, "strategy__epochs": 2, **options} for head, options in OPTIONS.items()}
SHOWN = [(head, name) for head, options in OPTIONS.items() for name in ("source", *options["strategy"])]
SHOWN = list(dict.fromkeys(SHOWN))
every_candidate = pytest.mark.parametrize(("head", "name"), SHOWN)
every_head = pytest.mark.parametrize("head", OPTIONS)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def one_cache(cache: Path, _private_cache: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests read the same cached features: those of an image depend in the last bit on what shares its batch."""
    monkeypatch.setenv("VISION_FT_CACHE", str(cache))


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """No report and no guard: they have tests of their own, and every candidate is to be made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "build_report", lambda _folder: None)
        patch.setattr("vision_ft.adaptation.entropy._judge", lambda *_: (True, "kept for the test."))
        yield


class Jobs:
    """Source runs and whole jobs, each made once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.old = draw_camera(root / "old", seed=0, per_class=14)
        self.new = draw_camera(root / "new", seed=1, per_class=14, dim=0.6)
        self.made: dict[str, vf.Adaptation] = {}
        self.before: dict[str, dict[str, str]] = {}

    def source(self, head: str) -> Path:
        out = self.root / f"source-{head}"
        if head not in self.before:
            tiny_run(self.old, out, strategy__name="feature-extraction", strategy__epochs=2, model__head=head)
            self.before[head] = hash_folder(out)
        return out

    def whole(self, head: str) -> vf.Adaptation:
        if head not in self.made:
            self.made[head] = self.adapt(head, self.root / f"whole-{head}")
        return self.made[head]

    def adapt(self, head: str, out: Path, **more: Any) -> vf.Adaptation:
        return adapt_tiny(self.source(head), self.new, out, **OPTIONS[head], **more)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    return Jobs(tmp_path_factory.mktemp("jobs"))


@every_head
def test_every_file_of_the_source_run_stays_bit_identical(head, jobs):
    jobs.whole(head)
    assert hash_folder(jobs.source(head)) == jobs.before[head]


@every_candidate
def test_a_candidate_is_made_and_its_folder_loads_and_predicts(head, name, jobs):
    whole = jobs.whole(head)
    entry = next(entry for entry in whole.outcome["candidates"] if entry["name"] == name)
    assert entry["status"] == "done", entry["reason"]
    pictures = sorted(jobs.new.rglob("*.png"))
    answers = vf.load(whole.path / "candidates" / name).predict(pictures)
    assert {answer.label for answer in answers} <= {"amber", "blue", "crimson"}
    right = np.mean([answer.label == file.parent.name for answer, file in zip(answers, pictures, strict=True)])
    splits = [entry[split]["new"] for split in ("val", "test")]
    assert sum(split["accuracy"] * split["n"] for split in splits) <= right * len(pictures) + 0.5


@pytest.mark.parametrize(("head", "name"), [pair for pair in SHOWN if pair[1] != "source"])
def test_a_candidate_has_the_weights_of_the_source_only_where_val_chose_them(head, name, jobs):
    whole = jobs.whole(head).path / "candidates"
    entry = next(entry for entry in jobs.whole(head).outcome["candidates"] if entry["name"] == name)
    assert (weights_of(whole / name) == weights_of(whole / "source")) == (entry["alpha"] == 0.0)
    assert (entry["trained_parameters"] > 0) == (name != "batchnorm")


def test_a_job_killed_after_candidates_and_resumed_ends_the_same(jobs, tmp_path):
    whole, out = jobs.whole("linear"), tmp_path / "cut"
    reached: list[str] = []

    def kill_at_first_sight(outcome):
        if outcome.name in ("source", "surgical", "plain-full") and outcome.name not in reached:
            reached.append(outcome.name)
            raise Killed

    for number, last in enumerate(("source", "surgical", "plain-full")):
        kept = hash_folder(out / "candidates")
        with pytest.raises(Killed):
            jobs.adapt("linear", out, resume=bool(number), on_candidate=kill_at_first_sight)
        found = hash_folder(out / "candidates")
        assert kept.items() <= found.items(), "what is finished is not made again"
        assert f"{last}/result.json" in found
    assert reached == ["source", "surgical", "plain-full"]
    jobs.adapt("linear", out, resume=True)
    assert_same(whole.path, out)


@every_head
def test_a_job_stopped_within_every_candidate_and_resumed_ends_the_same(head, jobs, tmp_path, monkeypatch):
    whole, out = jobs.whole(head), tmp_path / "cut"
    original, stopped = loop.stop_if_asked, dict[str, int]()

    def ask_at_second_step(run, stage):
        name = run.folder.name
        stopped[name] = stopped.get(name, 0) + 1
        run.stop.requested = stopped[name] == 2
        original(run, stage)

    monkeypatch.setattr(loop, "stop_if_asked", ask_at_second_step)
    stepping = {name for name in OPTIONS[head]["strategy"] if name in TRAINED or (name == "head" and head != "linear")}
    for number in range(len(stepping)):
        with pytest.raises(SystemExit) as exit_:
            jobs.adapt(head, out, resume=bool(number))
        assert exit_.value.code == 143
        assert not (out / "metrics.json").exists()
    jobs.adapt(head, out, resume=True)
    assert stopped.keys() == stepping
    assert_same(whole.path, out)


def test_another_seed_gives_other_weights(jobs, tmp_path):
    options = {"adapt__confidence": 0.4, "strategy__epochs": 2, "seed": 1}
    other = adapt_tiny(jobs.source("linear"), jobs.new, tmp_path / "other", strategy="full", **options)
    made = jobs.whole("linear")
    assert weights_of(other.path / "candidates" / "full") != weights_of(made.path / "candidates" / "full")


def assert_same(one: Path, other: Path) -> None:
    names = sorted(path.name for path in (one / "candidates").iterdir())
    assert names == sorted(path.name for path in (other / "candidates").iterdir())
    for name in names:
        assert weights_of(one / "candidates" / name) == weights_of(other / "candidates" / name), name
    assert weights_of(one) == weights_of(other)
    assert outcome_without_time(one) == outcome_without_time(other)
