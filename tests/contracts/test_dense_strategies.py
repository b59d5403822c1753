"""Every strategy keeps its contract over every head on maps: frozen is frozen, the rest moves, and the run learns."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.dense import dense_run, draw_dense
from vision_ft import pipeline
from vision_ft.engine import loop
from vision_ft.engine.checkpoint import BEST, LAST, load_state
from vision_ft.models.assemble import DenseModel
from vision_ft.models.heads import HEADS
from vision_ft.models.stages import module_groups
from vision_ft.strategies import STRATEGIES

pytestmark = pytest.mark.slow
DENSE = {name: spec.task for name, spec in HEADS.items() if spec.takes == "pyramid"}
SMALL = {"fpn": {"width": 32}, "unet": {}, "fcos": {"width": 64}, "faster-rcnn": {"width": 32, "hidden": 64}}
PLANS = {  # epochs and options; the last phase has two epochs or more
    "feature-extraction": (3, {}),
    "gradual-unfreeze": (3, {"steps": 2}),
    "full": (2, {}),
    "surgical": (2, {}),
}
OPTIM = {"optim__batch_size": 4, "optim__batchnorm": "train", "optim__lr": 0.0003, "optim__head_lr": 0.003}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return draw_dense(tmp_path_factory.mktemp("data") / "drawn", count=14, sizes=((64, 64),))


def run_of(head: str, data: Path, out: Path, **overrides):
    return dense_run(DENSE[head], data, out, model__head=head, model__head_args=SMALL[head], **OPTIM | overrides)


def snapshot(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


class Watch:
    """Compares the model before and after each phase."""

    def __init__(self) -> None:
        self.original = loop._run_phase
        self.phases: list[str] = []

    def __call__(self, run, phase) -> None:
        before = snapshot(run.model)
        self.original(run, phase)
        after = run.model.state_dict()
        owners = module_groups(run.model, run.groups)
        moved = {name: not torch.equal(before[name], after[name]) for name in before}
        frozen = [name for name in before if not owners[name.rpartition(".")[0]] & set(phase.lr_scale)]
        assert not [name for name in frozen if moved[name]]
        assert bool(frozen) == (set(phase.lr_scale) != set(run.groups))
        for group in phase.lr_scale:
            assert any(moved[name] for name in run.groups[group]), group
        statistics = [name for name in before if name.endswith("running_mean") and name not in frozen]
        assert all(moved[name] for name in statistics)
        assert bool(statistics) == any(group != run.head_group for group in phase.lr_scale)
        self.phases.append(phase.name)


def test_every_head_on_maps_is_covered():
    assert set(SMALL) == set(DENSE)
    assert set(PLANS) == set(STRATEGIES)


@pytest.mark.parametrize("head", DENSE)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_frozen_groups_stay_trained_ones_move_and_the_loss_falls(strategy, head, data, tmp_path, monkeypatch):
    watch = Watch()
    monkeypatch.setattr(loop, "_run_phase", watch)
    monkeypatch.setattr(pipeline, "build_report", lambda folder: None)
    plan = dict(zip(("strategy__epochs", "strategy__options"), PLANS[strategy], strict=True))
    run = run_of(head, data, tmp_path / "run", strategy__name=strategy, **plan)
    log = [json.loads(line) for line in (run.path / "log.jsonl").read_text().splitlines()]
    assert watch.phases == list(dict.fromkeys(record["phase"] for record in log))
    assert len(watch.phases) == {"feature-extraction": 1, "gradual-unfreeze": 3}.get(strategy, 2)
    last = [record["train_loss"] for record in log if record["phase"] == watch.phases[-1]]
    assert last[-1] < last[0]
    assert run.metrics["splits"].keys() == {"val", "test"}
    assert (run.path / "model" / "model.safetensors").is_file()
    assert (run.path / "predictions" / "val.parquet").is_file()


@pytest.mark.parametrize("head", ["fpn", "faster-rcnn"])
def test_the_frozen_backbone_keeps_nothing_for_the_backward_pass(head, data, tmp_path, monkeypatch):
    """What a head phase saves for its backward pass is what the head alone saves on maps without a history."""
    sizes: list[tuple[int, int]] = []

    def compare(run, stage, batch, group_size):
        batch = run.runtime.to_device(batch)
        size = tuple(batch.images.shape[-2:])
        with torch.no_grad():
            maps = run.model.forward_features(batch.images)
        target = [batch.target] if run.task.returns_losses else []
        torch.manual_seed(0)
        whole = saved_bytes(lambda: run.model(batch.images, *target))
        torch.manual_seed(0)
        sizes.append((whole, saved_bytes(lambda: run.model.head(maps, size, *target))))

    monkeypatch.setattr(loop, "train_batch", compare)
    monkeypatch.setattr(loop, "_run_phase", first_phase_only(loop._run_phase))
    with pytest.raises(Stopped):
        run_of(head, data, tmp_path / "run", run__cache=False)
    assert sizes
    assert all(whole == alone > 0 for whole, alone in sizes)


def saved_bytes(forward) -> int:
    saved: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: saved.append(tensor.nbytes) or tensor, lambda x: x):
        forward()
    return sum(saved)


class Stopped(BaseException):
    """Ends a test's run where nothing more is looked at."""


def first_phase_only(original):
    def run_phase(run, phase):
        stage, (loader, _) = run.build_stage(phase), loop._sources(run, phase)
        stage.step = lambda: None
        loop.begin_epoch(run)
        loop.train_epoch(run, stage, loader)
        raise Stopped

    return run_phase


# -- cut and resumed ---------------------------------------------------------------------------------------------------


@pytest.fixture
def only_training(monkeypatch):
    """Leave out what follows the training: predictions, metrics, report."""
    monkeypatch.setattr(pipeline, "finish", lambda end: None)
    monkeypatch.setattr(pipeline, "_write_end", lambda folder, timings: None)


def kept(out: Path) -> dict[str, torch.Tensor]:
    """Return the weights at the end, and those of the best epoch, which are their moving average."""
    states = {name: load_state(out / "checkpoints" / name)["model"] for name in (LAST, BEST)}
    return {f"{file}:{name}": value for file, state in states.items() for name, value in state.items()}


RESUMED = {"strategy__epochs": 1, "optim__ema": True, "model__dropout": 0.2, "augment__preset": "light"}


@pytest.mark.parametrize("head", ["unet", "fcos", "faster-rcnn"])
def test_stopped_in_an_epoch_or_between_phases_and_resumed_is_bit_identical(
    head, data, tmp_path, monkeypatch, only_training
):
    run_of(head, data, tmp_path / "whole", **RESUMED)
    whole = kept(tmp_path / "whole")
    original_ask, original_end = loop.stop_if_asked, loop._end_phase
    steps = 0

    def ask(run, stage):
        nonlocal steps
        steps += 1
        run.stop.requested = steps == cut
        original_ask(run, stage)

    def end(run, index, phase):
        original_end(run, index, phase)
        if cut == 0 and index == 0:
            raise Stopped

    for cut in (1, 0, 5):  # in the head's phase, after it, in the next one: three steps each
        steps, out = 0, tmp_path / f"cut{cut}"
        with monkeypatch.context() as patch:
            patch.setattr(loop, "stop_if_asked", ask)
            patch.setattr(loop, "_end_phase", end)
            with pytest.raises((SystemExit, Stopped)):
                run_of(head, data, out, **RESUMED)
        run_of(head, data, out, resume=True, **RESUMED)
        again = kept(out)
        assert whole.keys() == again.keys()
        assert all(torch.equal(whole[name], again[name]) for name in whole)


# -- other precisions and processes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", ["fpn", "fcos", "faster-rcnn"])
def test_half_precision_rounds_no_box_and_trains(head, data, tmp_path, monkeypatch, only_training):
    """bfloat16 has 8 binary digits: a side at 257 px would become 256."""
    boxes: list[torch.Tensor] = []
    original = DenseModel.forward

    def remembering(self, images, target=None):
        if target is not None:
            boxes.extend(target.boxes)
        return original(self, images, target)

    monkeypatch.setattr(DenseModel, "forward", remembering)
    run_of(head, data, tmp_path / "run", strategy__epochs=1, run__precision="bf16-mixed")
    assert bool(boxes) == (DENSE[head] == "detection")
    assert all(box.dtype == torch.float32 for box in boxes)
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert all(math.isfinite(json.loads(line)["train_loss"]) for line in lines)


TWO_PROCESSES = """
import os, sys
from pathlib import Path

import torch

from tests.dense import dense_run
from vision_ft import pipeline

original = pipeline.fit

def fit(run, phases):
    original(run, phases)
    torch.save(run.model.state_dict(), Path(sys.argv[2]) / f"rank{run.runtime.rank}.pt")

pipeline.fit = fit
pipeline.finish = lambda end: None
pipeline._write_end = lambda folder, timings: None
dense_run(
    "detection", Path(sys.argv[1]), Path(sys.argv[2]), model__backbone="test_convnext", model__head=sys.argv[3],
    model__head_args={"width": 64} | ({"hidden": 64} if sys.argv[3] == "faster-rcnn" else {}),
    optim__batch_size=4, strategy__epochs=1, run__devices=2,
)
"""


@pytest.mark.distributed
@pytest.mark.parametrize("head", ["fcos", "faster-rcnn"])
def test_two_processes_agree_though_one_meets_no_boxes(head, tmp_path):
    """The backbone's last norm gets no gradient from its maps, and some batches hold no box."""
    data = draw_dense(tmp_path / "drawn", count=14, sizes=((64, 64),))
    lines = (data / "boxes.csv").read_text().splitlines()
    few = [lines[0], *lines[1:5], *(f"images/{number:02d}.png,,,,," for number in range(2, 14))]
    (data / "boxes.csv").write_text("\n".join(few) + "\n")
    (tmp_path / "train.py").write_text(TWO_PROCESSES)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    done = subprocess.run(
        [*command, str(tmp_path / "train.py"), str(data), str(tmp_path / "run"), head],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    first, second = (torch.load(tmp_path / "run" / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    norm = "backbone.model.head.norm.weight"
    assert torch.equal(first[norm], torch.ones_like(first[norm]))  # nothing reads it, so nothing moves it
    assert json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])["phase"] == "all layers"
