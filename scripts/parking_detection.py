"""Find parking spaces and say which are free: python scripts/parking_detection.py LOTS [WEIGHTS].

LOTS holds boxes of the classes occupied and empty, as COCO, VOC, YOLO or CSV. Prints how well each class is found and
what goes wrong, then counts the spaces of a few test images. WEIGHTS is a weights file of resnet18; by default the
hub's.
"""

from __future__ import annotations

import sys
from collections import Counter

import vision_ft as vf
from vision_ft.data.table import SampleTable

weights = sys.argv[2] if len(sys.argv) > 2 else True
run = vf.finetune(
    sys.argv[1],
    task="detection",
    backbone="resnet18",
    strategy="full",
    epochs=8,
    overrides={
        "model.pretrained": weights,
        "model.image_size": [192, 256],
        "optim.metric": "map50",
        "data.on_bad": "drop",
    },
)
split, numbers = next(reversed(run.metrics["splits"].items()))
print(f"mAP50 {numbers['map50']:.1%}, mAP {numbers['map']:.1%} on {numbers['n']} {split} images")
for row in numbers["per_class"]:
    shown = [f"{name} {row[name]:.1%}" for name in ("recall", "precision") if row[name] is not None]
    print(f"    {row['class']}: {', '.join(shown)} at scores above {row['threshold']:.2f}")
print("    errors: " + ", ".join(f"{kind} {count}" for kind, count in numbers["errors"].items()))

table = SampleTable.read(run.path / "data.parquet")
model = vf.load(run.path)
for number in table.rows(split)[:5]:
    found = Counter(model.predict(table.path(int(number)))[0].box_labels)
    print(
        f"    {table.path(int(number)).name}: " + ", ".join(f"{count} {name}" for name, count in sorted(found.items()))
    )
print(f"report: {run.path / 'report.html'}")
