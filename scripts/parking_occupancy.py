"""Train an occupancy classifier on cut-out parking spaces: python scripts/parking_occupancy.py spaces.csv.

The CSV has the columns path, label and group; the group (camera and day) never crosses a split, since the same car in
the same space minutes later is no new image. Without an argument, the package draws its own parking lot.
"""

from __future__ import annotations

import sys
from pathlib import Path

import vision_ft as vf
from vision_ft.demo.draw import draw_dataset

data = Path(sys.argv[1]) if len(sys.argv) > 1 else draw_dataset(Path("runs/lot")) / "labels.csv"
weights = sys.argv[2] if len(sys.argv) > 2 else False  # a weights file; False starts from random weights

run = vf.finetune(
    data,
    backbone="resnet18" if weights else "resnet10t",
    strategy="gradual-unfreeze" if weights else "full",
    epochs=4 if weights else 12,
    overrides={
        "model.pretrained": weights,
        "model.image_size": 64,
        "augment.preset": "camera",
        "optim.lr": 1e-4 if weights else 1e-3,
    },
)
test = run.metrics["splits"]["test"]
print(f"{test['accuracy']:.1%} of {test['n']} spaces right; report: {run.path / 'report.html'}")
for group in test["groups"]:
    print(f"    {group['group']}: {group['accuracy']:.1%} of {group['n']}")
