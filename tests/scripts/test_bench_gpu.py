"""scripts/bench_gpu.py measures all three loops on whatever device is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from statistics import median

import pytest

from tests.scripts.test_scripts import ROOT, run_script

pytestmark = pytest.mark.slow
SCRIPT = ROOT / "scripts" / "bench_gpu.py"
CONTENDERS = ["package", "timm", "pure"]


def refusal(*words: str) -> str:
    """What the script says when it leaves with code 2, on a machine whose GPUs are hidden."""
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, str(SCRIPT), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 2, done.stderr[-2000:]
    assert done.stdout == ""
    return done.stderr


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    output = run_script("bench_gpu.py", "--toy", "--images", "30", "--out", "new/toy.json", cwd=folder)
    return output, json.loads((folder / "new" / "toy.json").read_text())


def test_each_figure_follows_from_the_epochs_and_each_ratio_is_a_quotient_of_medians(toy):
    _, results = toy
    assert list(results["models"]) == ["test_resnet", "test_vit"]
    for found in results["models"].values():
        speeds = found["images_per_s"]
        assert list(speeds) == CONTENDERS
        for one in speeds.values():
            assert len(one["repeats"]) == 2
            assert [epochs[0] for epochs in one["epochs"]] == pytest.approx(one["repeats"]), "one measured epoch each"
            assert 0 < min(one["repeats"]) == one["min"] <= one["median"] <= one["max"] == max(one["repeats"]) < 1e6
            assert one["median"] == median(one["repeats"])
        for other in ("timm", "pure"):
            quotient = speeds["package"]["median"] / speeds[other]["median"]
            assert found["ratios"][f"package/{other}"] == quotient
            pairs = zip(speeds["package"]["repeats"], speeds[other]["repeats"], strict=True)
            assert found["ratios_of_repeats"][f"package/{other}"] == [mine / theirs for mine, theirs in pairs]


def test_settings_device_and_versions_stand_beside_the_figures(toy):
    import timm
    import torch

    _, results = toy
    assert results["settings"]["images"] == 32, "30 images are raised to two whole batches of 16"
    assert results["settings"]["precision"] == "32-true"
    assert results["device"]["kind"] == "cpu"
    assert results["device"]["name"]
    assert results["versions"]["torch"] == torch.__version__
    assert results["versions"]["timm"] == timm.__version__


def test_each_repeat_begins_with_another_loop_and_the_table_ends_the_output(toy):
    output, results = toy
    order = [line.split(", ")[2].split(":")[0] for line in output.splitlines() if line.startswith("test_vit, repeat")]
    assert order == ["package", "timm", "pure", "timm", "pure", "package"]
    ratio = results["models"]["test_vit"]["ratios"]["package/pure"]
    assert output.splitlines()[-1].startswith("| test_vit |")
    assert output.splitlines()[-1].endswith(f"| {ratio:.2f} |")


def test_a_gpu_that_is_not_there_is_refused_in_one_sentence():
    assert refusal("--device", "cuda") == (
        '--device: got "cuda", but torch sees no such CUDA device here; use --device cpu or auto.\n'
    )


def test_a_model_that_timm_does_not_have_is_refused_in_one_sentence():
    assert refusal("--models", "resnet51", "--device", "cpu") == '--models: timm has no model "resnet51".\n'
