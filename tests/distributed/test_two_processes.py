"""Two gloo processes give what one gives, on an odd number of images."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

import vision_ft as vf
from tests.pictures import draw_folder
from tests.runs import command_line, tiny_run

pytestmark = [pytest.mark.distributed, pytest.mark.slow]


def train_with_two(data: Path, out: Path, **recipe: object) -> vf.Run:
    """Run `vision-ft train` under torchrun with two processes."""
    arguments = command_line(data, out, run__devices=2, **recipe)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": "."}
    done = subprocess.run(
        [*command, "--standalone", "-m", "vision_ft", *arguments], env=environment, capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return vf.Run(out)


def test_feature_extraction_gives_the_same_metrics_on_an_odd_number_of_pictures(tmp_path):
    data = draw_folder(tmp_path / "data", per_class=11)
    recipe = {"strategy__name": "feature-extraction", "run__cache": False, "data__val": 0.1, "data__test": 0.27}
    one = tiny_run(data, tmp_path / "one", **recipe)
    two = train_with_two(data, tmp_path / "two", **recipe)
    assert one.metrics["splits"]["test"]["n"] % 2 == 1
    for split in ("val", "test"):
        ours, theirs = one.metrics["splits"][split], two.metrics["splits"][split]
        assert ours["n"] == theirs["n"]
        assert ours["confusion"] == theirs["confusion"]
        assert ours["log_loss"] == pytest.approx(theirs["log_loss"], abs=1e-4)


def test_gradients_are_averaged_after_a_phase_border(tmp_path):
    """Each phase wraps anew; inside one old wrapper the unfrozen weights of the ranks would drift apart."""
    data = draw_folder(tmp_path / "data", per_class=12)
    recipe = {
        "model__backbone": "test_convnext",  # no BatchNorm: its statistics are those of each rank's own half
        "strategy__name": "gradual-unfreeze",
        "strategy__epochs": 2,
        "augment__preset": "none",
        "optim__lr": 1e-3,
    }
    one = tiny_run(data, tmp_path / "one", **recipe)
    two = train_with_two(data, tmp_path / "two", **recipe)
    logs = [[json.loads(line) for line in (run.path / "log.jsonl").read_text().splitlines()] for run in (one, two)]
    assert [entry["phase"] for entry in logs[0]] == [entry["phase"] for entry in logs[1]]
    for ours, theirs in zip(*logs, strict=True):
        assert ours["train_loss"] == pytest.approx(theirs["train_loss"], rel=1e-2)
        assert ours["val_loss"] == pytest.approx(theirs["val_loss"], rel=1e-2)
    first, second = (load_file(run.path / "model" / "model.safetensors") for run in (one, two))
    assert max(float((first[name] - second[name]).abs().max()) for name in first) < 5e-3
