"""Make a report from any tool's predictions: python scripts/confusion_report.py predictions.csv [images/].

The CSV has the columns path, target, predicted, or path, target and one score_<class> column a class.
"""

from __future__ import annotations

import sys
from pathlib import Path

import vision_ft as vf

if len(sys.argv) < 2:
    example = Path("runs/example_predictions.csv")
    example.parent.mkdir(exist_ok=True)
    rows = ["a.jpg,wren,wren", "b.jpg,wren,robin", "c.jpg,robin,robin", "d.jpg,robin,robin", "e.jpg,crow,crow"]
    example.write_text("path,target,predicted\n" + "\n".join(rows) + "\n")
    print(f"no predictions given: using {example}")

predictions = Path(sys.argv[1]) if len(sys.argv) > 1 else example
pictures = sys.argv[2] if len(sys.argv) > 2 else None
print(vf.report(predictions, data_root=pictures))
