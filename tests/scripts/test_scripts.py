"""The example scripts run as their first lines say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import timm
from safetensors.torch import save_file

from tests.cameras import draw_camera
from tests.pictures import draw_folder
from tests.runs import tiny_run
from tests.surfaces import draw_surfaces

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def run_script(name: str, *words: str, cwd: Path, codes: tuple[int, ...] = (0,)) -> str:
    command = [sys.executable, str(ROOT / "scripts" / name), *words]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=500, env=dict(os.environ))
    assert done.returncode in codes, done.stderr[-2000:]
    return done.stdout


def test_birds_compares_three_strategies(tmp_path):
    data = draw_folder(tmp_path / "photos", per_class=8)
    save_file(timm.create_model("test_resnet").state_dict(), tmp_path / "weights.safetensors")
    output = run_script("birds.py", str(data), "test_resnet", str(tmp_path / "weights.safetensors"), cwd=tmp_path)
    assert output.count("test accuracy") == 3
    assert len(list((tmp_path / "runs").glob("*/report.html"))) == 3


def test_parking_occupancy_reports_each_group(tmp_path):
    data = draw_folder(tmp_path / "spaces", classes=2, per_class=12)
    rows = [f"{f.relative_to(data)},{f.parent.name},camera{i % 6}" for i, f in enumerate(sorted(data.rglob("*.png")))]
    (data / "spaces.csv").write_text("path,label,group\n" + "\n".join(rows) + "\n")
    output = run_script("parking_occupancy.py", str(data / "spaces.csv"), cwd=tmp_path)
    assert "spaces right; report:" in output
    assert "camera" in output


def test_confusion_report_reads_any_tools_predictions(tmp_path):
    output = run_script("confusion_report.py", cwd=tmp_path)
    assert Path(tmp_path, output.splitlines()[-1]).is_file()


def test_new_camera_shows_candidates_and_decision(tmp_path):
    old = draw_camera(tmp_path / "old", seed=0, classes=("amber", "blue"), per_class=20)
    run = tiny_run(old, tmp_path / "run", strategy__name="feature-extraction")
    new = draw_camera(tmp_path / "new", seed=1, classes=("amber", "blue"), per_class=20, swap=True)
    output = run_script("new_camera.py", str(run.path), str(new), "20", cwd=tmp_path, codes=(0, 3))
    lines = output.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("    Source model, as it is: old "))
    assert lines[start + 1].startswith("    BatchNorm re-estimated: "), "made, or left out with its reason"
    assert "to label next: to_label.csv" in output
    report = Path(tmp_path, lines[-1].rsplit("report: ", 1)[1])
    assert report.is_file()
    assert ("Not passed" in output) == ("is recommended" not in output)


def test_trees_says_how_much_is_covered(tmp_path):
    tiles = draw_surfaces(tmp_path / "tiles", 12)
    save_file(timm.create_model("resnet18").state_dict(), tmp_path / "weights.safetensors")
    output = run_script("trees.py", str(tiles), str(tmp_path / "weights.safetensors"), cwd=tmp_path)
    said = re.search(r"mIoU \d+\.\d%(?: \(.*\))? on (\d+) tiles", output)
    assert said
    assert output.count("covered by trees") == int(said[1])
    assert Path(tmp_path, output.splitlines()[-1].removeprefix("report: ")).is_file()


def test_parking_detection_counts_what_it_finds(dense_data, tmp_path):
    save_file(timm.create_model("resnet18").state_dict(), tmp_path / "weights.safetensors")
    output = run_script(
        "parking_detection.py", str(dense_data / "boxes.csv"), str(tmp_path / "weights.safetensors"), cwd=tmp_path
    )
    assert re.search(r"mAP50 \d+\.\d%, mAP \d+\.\d% on \d+ test images", output)
    assert "errors: " in output
    assert Path(tmp_path, output.splitlines()[-1].removeprefix("report: ")).is_file()
