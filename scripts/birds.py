"""Compare three strategies on folders of bird photos: python scripts/birds.py photos/ [backbone] [weights file]."""

from __future__ import annotations

import sys

import vision_ft as vf

data = sys.argv[1] if len(sys.argv) > 1 else "photos"
backbone = sys.argv[2] if len(sys.argv) > 2 else "resnet18"
weights = sys.argv[3] if len(sys.argv) > 3 else True  # True: the weights that timm publishes

for strategy in ("feature-extraction", "gradual-unfreeze", "full"):
    run = vf.finetune(
        data,
        backbone=backbone,
        strategy=strategy,
        overrides={"model.pretrained": weights, "model.image_size": 160, "augment.preset": "fine-grained"},
    )
    test = run.metrics["splits"]["test"]
    low, high = test["accuracy_interval"]
    print(f"{strategy:20} test accuracy {test['accuracy']:.1%} ({low:.1%} to {high:.1%})  {run.path / 'report.html'}")
    for pair in test["confused_pairs"][:3]:
        print(f"    {pair['true']} taken for {pair['predicted']}: {pair['count']} of {pair['support']}")
