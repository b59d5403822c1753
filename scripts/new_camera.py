"""Retrain a run on a new camera, and see what it forgot: python scripts/new_camera.py RUN NEW [labels].

RUN is a trained run (see parking_occupancy.py) whose images still exist; NEW are the new camera's images in class
folders, those without a label in unlabelled/. Without arguments, the package draws a parking lot seen by two cameras
and trains on the first. The exit code is 3 where no model passes the gate.
"""

from __future__ import annotations

import sys
from pathlib import Path

import vision_ft as vf
from vision_ft.demo.draw import draw_dataset

labels: int | None
if len(sys.argv) > 2:
    run, new = Path(sys.argv[1]), Path(sys.argv[2])
    labels, group = int(sys.argv[3]) if len(sys.argv) > 3 else None, None
else:
    old, new = (
        draw_dataset(Path("runs/lots") / name, cameras=[name], days=8, frames=4, slots=20)
        for name in ("camera_a", "camera_b")
    )
    labels, group = 100, "{camera}/{label}/*_{slot}.jpg"  # whole parking spaces are kept for the test
    settings = {"model.pretrained": False, "model.image_size": 64, "optim.lr": 1e-3, "data.group_pattern": group}
    run = vf.finetune(old, backbone="resnet10t", strategy="full", epochs=12, overrides=settings).path

adapted = vf.adapt(run, new, labels=labels, group=group)
outcome = adapted.outcome
print(outcome["shift"]["sentence"])
for candidate in outcome["candidates"]:
    scores = [f"{camera} {test['accuracy']:.1%}" for camera, test in candidate["test"].items() if test]
    print(f"    {candidate['title']}: {', '.join(scores) or candidate['reason'] or 'no labelled test images'}")
print(outcome["decision"]["sentence"])
for advice in ("budget", "next_labels"):
    if outcome[advice]:
        print(outcome[advice].get("sentence") or f"{outcome[advice]['count']} images to label next: to_label.csv")
print(f"model: {adapted.path / 'model'}; report: {adapted.path / 'report.html'}")
sys.exit(outcome["decision"]["exit_code"])
