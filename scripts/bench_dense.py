"""Measure masks and boxes against segmentation-models-pytorch's Unet loop and torchvision's detection loop.

    python scripts/bench_dense.py DATA --task segmentation --weights resnet18.safetensors --image-size 192 256 \
        --epochs 8 --seeds 0 1 2 --out runs/bench.jsonl
    python scripts/bench_dense.py --table --out runs/bench.jsonl

Same weights, splits, input size and passes over the images for every contender; a head-only phase counts as passes.
Every contender runs in a process of its own with its own empty cache, and adds a line to --out; lines that are there
are not measured again. CPU seconds, of the process and its children, stay fair when others use the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

STRATEGIES = ("feature-extraction", "gradual-unfreeze", "full")
METRICS = {"segmentation": ("miou", "pixel_accuracy"), "detection": ("map50", "map")}


def values_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the recipe values that every contender shares."""
    return {
        "task": options.task,
        "model.backbone": options.backbone,
        "model.pretrained": options.weights,
        "model.image_size": options.image_size,
        "model.interpolation": "bilinear",
        "optim.batch_size": options.batch_size,
        "run.seed": options.seed,
        "run.device": options.device,
        **{key: yaml_value(value) for key, value in (setting.split("=", 1) for setting in options.data_values)},
    }


def ours(options: argparse.Namespace) -> dict[str, Any]:
    """Train with this package; the passes of the head's phase are taken from the others."""
    import vision_ft as vf

    values, epochs = values_of(options), options.epochs
    if options.contender != "feature-extraction":
        head_epochs = max(epochs // 3, 1)
        epochs -= head_epochs
        values["strategy.options"] = {"head_epochs": head_epochs}
    values |= {key: yaml_value(text) for key, text in (setting.split("=", 1) for setting in options.set)}
    out = Path(tempfile.mkdtemp()) / "run"
    run = vf.finetune(options.data, strategy=options.contender, epochs=epochs, out=out, overrides=values)
    environment = json.loads((out / "environment.json").read_text())
    selection = run.metrics["selection"]
    return {
        "splits": {split: pick(options.task, numbers) for split, numbers in run.metrics["splits"].items()},
        "seconds": environment["seconds"],
        "alpha": selection.get("alpha"),
    }


def yaml_value(text: str) -> Any:
    """Read a recipe value; what is no YAML, such as a pattern, stays text."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def reference(options: argparse.Namespace) -> dict[str, Any]:
    """Train the loop of the field's library and judge it with this package's metrics."""
    from reference_loops import (
        Setting,
        box_answers,
        collect_boxes,
        mask_answers,
        train_faster_rcnn,
        train_unet,
    )

    from vision_ft.api.train import resolve_recipe
    from vision_ft.data.images.decode import decode
    from vision_ft.evaluate.masks.metrics import confusion_of
    from vision_ft.models.masks import label_map
    from vision_ft.tasks.segmentation import ImagePixels, score
    from vision_ft.wiring.data import prepare_table

    recipe = resolve_recipe(options.data, (), values_of(options))
    table, _ = prepare_table(recipe.data, seed=options.seed, threads=1)
    size = (options.image_size[0], options.image_size[-1])
    setting = Setting(table, options.weights, size, options.epochs, options.batch_size, options.seed, options.device)

    def judge_masks(answer: Any, split: str) -> dict[str, float]:
        truth, answers = setting.truth(), []
        for row in table.rows(split):
            true = truth.read(int(row)).astype(np.int64)
            true[true == 255] = -1
            logits = answer(np.asarray(decode(table.path(int(row)), channels=3)))
            predicted, _ = label_map(logits, (true.shape[0], true.shape[1]))
            answers.append(ImagePixels(confusion_of(true, predicted, len(table.classes)), 0.0))
        return score(answers, np.zeros(0))

    def judge_boxes(answer: Any, split: str) -> dict[str, float]:
        return dict(collect_boxes(setting, table.rows(split), answer).headline())

    masks = options.task == "segmentation"
    judge = judge_masks if masks else judge_boxes
    model = train_unet(setting, judge) if masks else train_faster_rcnn(setting, judge)
    answers = mask_answers(model, setting) if masks else box_answers(model, setting)
    splits = [split for split in ("val", "test") if len(table.rows(split))]
    return {"splits": {split: pick(options.task, judge(answers, split)) for split in splits}}


def green(options: argparse.Namespace) -> dict[str, Any]:
    """Threshold the excess of green, 2 G - R - B; the threshold is the best on train by mIoU."""
    from vision_ft.api.train import resolve_recipe
    from vision_ft.data.images.decode import decode
    from vision_ft.evaluate.masks.metrics import MASK_METRICS, areas_of, confusion_of
    from vision_ft.types import Preprocessing
    from vision_ft.wiring.data import prepare_table
    from vision_ft.wiring.targets import build_targets

    recipe = resolve_recipe(options.data, (), values_of(options))
    table, _ = prepare_table(recipe.data, seed=options.seed, threads=1)
    truth: Any = build_targets(table, Preprocessing((3, 32, 32), 1.0, "squash", "bilinear", (0.5,), (0.5,)))
    thresholds = np.arange(-60, 121, 4)

    def confusions(split: str) -> np.ndarray:
        total = np.zeros((len(thresholds), 2, 2), dtype=np.int64)
        for row in table.rows(split):
            red, green_, blue = np.asarray(decode(table.path(int(row)), channels=3)).astype(int).transpose(2, 0, 1)
            excess, true = 2 * green_ - red - blue, truth.read(int(row)).astype(np.int64)
            for index, threshold in enumerate(thresholds):
                total[index] += confusion_of(true, (excess > threshold).astype(np.int64), 2)
        return total

    best = int(np.argmax([MASK_METRICS["miou"].compute(areas_of(one)) for one in confusions("train")]))
    splits = {}
    for split in ("val", "test"):
        areas = areas_of(confusions(split)[best])
        splits[split] = {name: float(MASK_METRICS[name].compute(areas)) for name in METRICS["segmentation"]}
    return {"splits": splits, "threshold": int(thresholds[best])}


def pick(task: str, numbers: dict[str, Any]) -> dict[str, float]:
    """Return the headline numbers of a split."""
    return {name: numbers[name] for name in METRICS[task]}


def measure(options: argparse.Namespace) -> None:
    """Run one contender here and print its line."""
    started = time.perf_counter()
    contenders = {"reference": reference, "green": green}
    found = contenders.get(options.contender, ours)(options)
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    found |= {
        "name": options.name or Path(options.data).name,
        "contender": options.contender + ("" if not options.set else " " + " ".join(options.set)),
        "seed": options.seed,
        "epochs": options.epochs,
        "image_size": options.image_size,
        "wall_seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(sum(one.ru_utime + one.ru_stime for one in usage), 1),
        "device": options.device,
    }
    print(json.dumps(found))


def run_all(options: argparse.Namespace) -> None:
    """Measure what the file lacks, one process a line."""
    out = Path(options.out)
    known = [json.loads(line) for line in out.read_text().splitlines()] if out.is_file() else []
    extra = "" if not options.set else " " + " ".join(options.set)
    name = options.name or Path(options.data).name
    done = {(line["name"], line["contender"], line["seed"], line["epochs"]) for line in known}
    for seed in options.seeds:
        for contender in options.contenders:
            if (name, contender + extra, seed, options.epochs) in done:
                continue
            with tempfile.TemporaryDirectory() as cache:
                environment = os.environ | {"VISION_FT_CACHE": cache, "NO_ALBUMENTATIONS_UPDATE": "1"}
                command = [sys.executable, __file__, *sys.argv[1:], "--contender", contender, "--seed", str(seed)]
                output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
            out.parent.mkdir(parents=True, exist_ok=True)
            with out.open("a") as stream:
                stream.write(output.splitlines()[-1] + "\n")
            print(output.splitlines()[-1], flush=True)


def print_table(file: Path) -> None:
    """Print means and ranges over the seeds, in percent, and CPU seconds over the reference's."""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    names = sorted({(line["name"], tuple(line["image_size"]), line["epochs"]) for line in lines})
    for name, size, epochs in names:
        cell = [
            line for line in lines if (line["name"], tuple(line["image_size"]), line["epochs"]) == (name, size, epochs)
        ]
        seconds = [line["cpu_seconds"] for line in cell if line["contender"] == "reference"]
        print(f"\n{name}, {'x'.join(map(str, size))} px, {epochs} passes")
        for contender in dict.fromkeys(line["contender"] for line in cell):
            mine = [line for line in cell if line["contender"] == contender]
            columns = [contender, str(len(mine))]
            for split in ("val", "test"):
                for metric in next(iter(mine[0]["splits"].values())):
                    values = [100 * line["splits"][split][metric] for line in mine if split in line["splits"]]
                    columns.append(f"{np.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})" if values else "-")
            cpu = float(np.mean([line["cpu_seconds"] for line in mine]))
            ratio = f"{cpu / np.mean(seconds):.2f}" if seconds else "-"
            print("| " + " | ".join([*columns, f"{cpu:.0f}", ratio]) + " |")


def main() -> None:
    """Parse the command line; measure, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="")
    parser.add_argument("--task", choices=METRICS, default="segmentation")
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--weights", help="weights file of resnet18")
    parser.add_argument("--image-size", type=int, nargs=2, default=[192, 256], metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--epochs", type=int, default=8, help="passes over the training images")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--contenders", nargs="+", default=[*STRATEGIES, "reference"])
    parser.add_argument("--data-values", nargs="*", default=[], metavar="KEY=VALUE", help="recipe values for all")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="recipe values for ours only")
    parser.add_argument("--name", help="of the data in the table; by default its folder's")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", default="runs/bench_dense.jsonl")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.table:
        print_table(Path(options.out))
    elif options.contender:
        measure(options)
    else:
        run_all(options)


if __name__ == "__main__":
    main()
