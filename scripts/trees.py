"""Map the trees of a town: python scripts/trees.py TILES [WEIGHTS].

TILES holds images/ and masks/ (0 and 255) of the same names. Prints how much of each test tile is covered by trees, by
the mask and by the model, and how well they overlap. WEIGHTS is a weights file of resnet18; by default the hub's.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import vision_ft as vf
from vision_ft.data.table import SampleTable

tiles = Path(sys.argv[1])
weights = sys.argv[2] if len(sys.argv) > 2 else True
rows = any(path.name.startswith("patch_") for path in (tiles / "images").iterdir())  # tiles of one mosaic

run = vf.finetune(
    tiles,
    task="segmentation",
    backbone="resnet18",
    strategy="feature-extraction",
    epochs=8,
    overrides={
        "model.pretrained": weights,
        "model.image_size": 192,
        **({"data.group_pattern": "images/patch_{row}_*"} if rows else {}),
    },
)
test = run.metrics["splits"]["test"]
low, high = test["miou_interval"]
span = "" if low is None else f" ({low:.1%} to {high:.1%})"
print(f"mIoU {test['miou']:.1%}{span} on {test['n']} tiles")
for row in test["per_class"]:
    shown = [f"{name} {row[name]:.1%}" for name in ("iou", "precision", "recall") if row[name] is not None]
    print(f"    {row['class']}: {', '.join(shown)}")

table = SampleTable.read(run.path / "data.parquet")
model = vf.load(run.path)
for row in table.rows("test"):
    mask = model.predict(table.path(int(row)))[0].mask
    ground, trees, _ = table.arrow["class_pixels"][int(row)].as_py()
    true = trees / (ground + trees)
    print(f"    {table.path(int(row)).name}: {np.mean(mask > 0):.1%} covered by trees, {true:.1%} in its mask")
print(f"report: {run.path / 'report.html'}")
