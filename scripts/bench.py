"""Measure this package against the plain loop of a tutorial: same images, backbone, weights and epochs.

    python scripts/bench.py DATA --backbone resnet18 --weights resnet18.safetensors --image-size 224

Every contender runs in a process of its own with its own empty cache; printed are seconds, test accuracies and ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

Result = dict[str, float]


def prepare(options: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    """Return the split sample table and the recipe values that every contender shares."""
    from vision_ft.api.train import resolve_recipe
    from vision_ft.wiring.data import prepare_table

    values = {
        "model.backbone": options.backbone,
        "model.pretrained": options.weights or True,
        "model.image_size": options.image_size,
        "model.interpolation": options.interpolation,
        "run.seed": options.seed,
        "run.device": options.device,
    }
    recipe = resolve_recipe(options.data, (), values)
    table, _ = prepare_table(recipe.data, seed=options.seed, threads=2)
    return table, values


def plain_model(options: argparse.Namespace, num_classes: int) -> torch.nn.Module:
    """Return the timm model of a tutorial, with the same weights."""
    import timm

    overlay = {"file": options.weights} if options.weights else None
    return timm.create_model(
        options.backbone, pretrained=True, num_classes=num_classes, pretrained_cfg_overlay=overlay
    ).to(options.device)


def plain_loop(options: argparse.Namespace, *, frozen: bool, epochs: int) -> Result:
    """Train as tutorials do: torchvision transforms, a DataLoader, AdamW, validation after each epoch."""
    from torch.utils.data import DataLoader
    from torchvision import transforms as T

    table, _ = prepare(options)
    started = time.perf_counter()
    torch.manual_seed(options.seed)
    normalise = T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    size = options.image_size
    train = T.Compose([T.RandomResizedCrop(size), T.RandomHorizontalFlip(), T.ToTensor(), normalise])
    test = T.Compose([T.Resize(int(size / 0.875)), T.CenterCrop(size), T.ToTensor(), normalise])

    def loader(split: str, transform: Callable[[Any], torch.Tensor]) -> DataLoader[Any]:
        from PIL import Image

        items = [(table.path(int(row)), table.label(int(row))) for row in table.rows(split)]

        class Pictures(torch.utils.data.Dataset[Any]):
            def __len__(self) -> int:
                return len(items)

            def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
                path, label = items[index]
                return transform(Image.open(path).convert("RGB")), label

        return DataLoader(Pictures(), batch_size=32, shuffle=split == "train", num_workers=options.workers)

    model = plain_model(options, len(table.classes))
    if frozen:
        model.requires_grad_(False)
        model.get_classifier().requires_grad_(True)  # type: ignore[operator]
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3 if frozen else 1e-4)
    for _ in range(epochs):
        model.train()
        for images, labels in loader("train", train):
            loss = torch.nn.functional.cross_entropy(model(images.to(options.device)), labels.to(options.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        accuracy(model, loader("val", test), options.device)
    result = accuracy(model, loader("test", test), options.device)
    return {"seconds": time.perf_counter() - started, "accuracy": result}


@torch.inference_mode()
def accuracy(model: torch.nn.Module, loader: Any, device: str) -> float:
    """Return the share of images that are right."""
    model.eval()
    hits = [(model(images.to(device)).argmax(1).cpu() == labels).float() for images, labels in loader]
    return float(torch.cat(hits).mean())


def ours(options: argparse.Namespace, *, strategy: str, epochs: int | None) -> Result:
    """Train with this package; the seconds hold everything from reading the folder to report.html."""
    import vision_ft as vf

    _, values = prepare(options)
    shutil.rmtree(os.environ["VISION_FT_CACHE"], ignore_errors=True)  # also the audit's: a cold start
    started = time.perf_counter()
    out = Path(tempfile.mkdtemp()) / "run"
    run = vf.finetune(options.data, strategy=strategy, epochs=epochs, out=out, overrides=values)
    seconds = time.perf_counter() - started
    again = 0.0
    if strategy == "feature-extraction":
        started = time.perf_counter()
        vf.finetune(options.data, strategy=strategy, out=out.with_name("again"), overrides=values)
        again = time.perf_counter() - started
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    speed = max((entry["images_per_s"] for entry in log), default=0.0)
    test = run.metrics["splits"]["test"]["accuracy"]
    return {"seconds": seconds, "accuracy": test, "again_seconds": again, "images_per_s": speed}


def bare_forward(options: argparse.Namespace) -> Result:
    """Push every image through the network once, tensors already in memory: the floor of feature extraction."""
    table, _ = prepare(options)
    model = plain_model(options, len(table.classes)).eval()
    images = torch.randn(32, 3, options.image_size, options.image_size, device=options.device)
    with torch.inference_mode():
        model(images)
        started = time.perf_counter()
        for start in range(0, len(table), 32):
            model(images[: min(32, len(table) - start)]).sum().item()
    return {"seconds": time.perf_counter() - started, "accuracy": float("nan")}


def bare_step(options: argparse.Namespace) -> Result:
    """Train every layer on one batch that lies in memory: the ceiling of full fine-tuning's speed."""
    model = plain_model(options, 20).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    images = torch.randn(32, 3, options.image_size, options.image_size, device=options.device)
    labels = torch.randint(0, 20, (32,), device=options.device)
    best = 0.0
    for _ in range(options.steps):
        started = time.perf_counter()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
        best = max(best, 32 / (time.perf_counter() - started))
    return {"seconds": float("nan"), "accuracy": float("nan"), "images_per_s": best}


CONTENDERS: dict[str, Callable[[argparse.Namespace], Result]] = {
    "plain-frozen": lambda o: plain_loop(o, frozen=True, epochs=o.frozen_epochs),
    "feature-extraction": lambda o: ours(o, strategy="feature-extraction", epochs=None),
    "bare-forward": bare_forward,
    "plain-full": lambda o: plain_loop(o, frozen=False, epochs=o.epochs),
    "gradual-unfreeze": lambda o: ours(o, strategy="gradual-unfreeze", epochs=o.epochs),
    "full": lambda o: ours(o, strategy="full", epochs=o.epochs),
    "bare-step": bare_step,
}


def run_contender(name: str, arguments: list[str]) -> Result:
    """Run one contender in its own process and return what it measured."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"VISION_FT_CACHE": cache, "NO_ALBUMENTATIONS_UPDATE": "1"}
        command = [sys.executable, __file__, *arguments, "--only", name]
        output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return dict(json.loads(output.splitlines()[-1]))


def print_ratios(results: dict[str, Result]) -> None:
    """Print the ratios that both sides of which were run."""

    def ratio(text: str, above: str, below: str, key: str = "seconds") -> None:
        if above in results and below in results:
            print(f"{text:62}{results[above][key] / results[below][key]:6.2f}")

    ratio("feature extraction is faster than plain frozen epochs by", "plain-frozen", "feature-extraction")
    ratio("feature extraction's wall time over one bare forward pass", "feature-extraction", "bare-forward")
    ratio("gradual unfreezing is faster than plain full epochs by", "plain-full", "gradual-unfreeze")
    ratio("full fine-tuning's images a second over the bare step's", "full", "bare-step", "images_per_s")


def main() -> None:
    """Parse the command line, run the contenders, print seconds, accuracies and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--weights", help="weights file; by default timm's own, from the hub")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--interpolation", default="bilinear")
    parser.add_argument("--frozen-epochs", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=0, help="of the plain loop")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--run", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--only", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(CONTENDERS[options.only](options)))
        return
    results: dict[str, Result] = {}
    for name in options.run:
        results[name] = run_contender(name, sys.argv[1:])
        shown = {key: round(value, 3) for key, value in results[name].items()}
        print(f"{name:20}", shown, flush=True)
    print_ratios(results)


if __name__ == "__main__":
    main()
