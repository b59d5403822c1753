"""Measure training throughput in images a second: this package, timm's train.py and the bare step, side by side.

    python scripts/bench_gpu.py --out bench_gpu.json
    python scripts/bench_gpu.py --toy --out toy.json

package: the strategy `full` through `vf.finetune`: loader, augmentation, optimiser, with the package's own defaults.
timm: the loader and the step of timm's train.py with its defaults; its prefetcher on CUDA, as train.py has it.
pure: forward, backward and optimiser step on one batch that lies in memory.

All three train the same network from random weights, with AdamW, at the same image size, batch size, precision and
number of workers; package and timm read the same drawn JPEG files. An epoch is timed from its first to its last step,
the device synchronised at both ends: set-up, validation and checkpoints lie outside. The first epochs warm up and do
not count. Each repeat runs all three, in an order that rotates.

What stays different, since each runs as it is: the augmentation (--preset names the package's); the package keeps
decoded images in memory, which timm does not (--decoded-mb 0 makes it decode each image in each epoch), and clips
gradients; timm and pure let cuDNN choose its kernels by trying them, as train.py does.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import torch
from PIL import Image

if TYPE_CHECKING:
    from throughput_loops import Setting

Contender = Callable[["Setting"], list[float]]
RATIOS = (("package", "timm"), ("package", "pure"))
TOY = {
    "models": ["test_resnet", "test_vit"],
    "images": 32,
    "image_size": 32,
    "batch_size": 16,
    "classes": 2,
    "epochs": 1,
    "repeats": 2,
    "workers": 0,
    "device": "cpu",
}


def draw_images(root: Path, setting: Setting) -> None:
    """Write root/train and root/val with class folders of JPEG files, blurred random colours under a little noise."""
    rng = np.random.default_rng(setting.seed)
    side = round(setting.image_size / 0.875)
    for split, count in (("train", setting.images), ("val", 4 * setting.classes)):
        for number in range(count):
            folder = root / split / f"class_{number % setting.classes}"
            folder.mkdir(parents=True, exist_ok=True)
            coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
            smooth = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), np.int16)
            noisy = smooth + rng.integers(-12, 13, (side, side, 1), dtype=np.int16)
            Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{number:06d}.jpg", quality=90)


def measure(setting: Setting, contenders: Mapping[str, Contender], repeats: int) -> dict[str, Any]:
    """Run all contenders `repeats` times, each repeat with another one first, and return the speeds of a network."""
    names = list(contenders)
    speeds: dict[str, list[float]] = {name: [] for name in names}
    epochs: dict[str, list[list[float]]] = {name: [] for name in names}
    for repeat in range(repeats):
        first = repeat % len(names)
        for name in names[first:] + names[:first]:
            seconds = contenders[name](setting)
            gc.collect()
            if setting.device.type == "cuda":
                torch.cuda.empty_cache()
            speeds[name].append(setting.images * len(seconds) / sum(seconds))
            epochs[name].append([setting.images / one for one in seconds])
            print(f"{setting.model}, repeat {repeat + 1}, {name}: {speeds[name][-1]:,.1f} images/s", flush=True)
    return {
        "images_per_s": {name: summarise(speeds[name]) | {"epochs": epochs[name]} for name in names},
        "ratios": {f"{a}/{b}": median(speeds[a]) / median(speeds[b]) for a, b in RATIOS},
        "ratios_of_repeats": {
            f"{a}/{b}": [x / y for x, y in zip(speeds[a], speeds[b], strict=True)] for a, b in RATIOS
        },
    }


def summarise(values: list[float]) -> dict[str, Any]:
    """Return the values with their smallest, middle and largest."""
    return {"min": min(values), "median": median(values), "max": max(values), "repeats": values}


def describe(setting: Setting) -> dict[str, Any]:
    """Return what the figures depend on: device and versions."""
    import timm

    import vision_ft as vf

    is_cuda = setting.device.type == "cuda"
    return {
        "device": {
            "name": torch.cuda.get_device_name(setting.device)
            if is_cuda
            else platform.processor() or platform.machine(),
            "kind": setting.device.type,
            "cores": os.cpu_count(),
            "torch_threads": torch.get_num_threads(),
        },
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "timm": timm.__version__,
            "vision_ft": vf.__version__,
            "cuda": torch.version.cuda if is_cuda else None,
            "cudnn": torch.backends.cudnn.version() if is_cuda else None,
        },
    }


def print_table(models: dict[str, Any]) -> None:
    """Print medians with smallest and largest of the repeats, and the ratios of the medians."""
    first = next(iter(models.values()))
    titles = ["model", *(f"{name}, images/s" for name in first["images_per_s"]), *first["ratios"]]
    print("| " + " | ".join(titles) + " |")
    print("|" + "---|" * len(titles))
    for model, found in models.items():
        speeds = [
            f"{one['median']:,.1f} ({one['min']:,.1f} to {one['max']:,.1f})" for one in found["images_per_s"].values()
        ]
        print("| " + " | ".join([model, *speeds, *(f"{ratio:.2f}" for ratio in found["ratios"].values())]) + " |")


def build_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["resnet50", "vit_small_patch16_224"], help="timm names")
    parser.add_argument("--images", type=int, default=2048, help="an epoch; raised to whole batches")
    parser.add_argument("--image-size", type=int, default=224, help="side of the network's input in pixels")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=3, help="measured epochs a repeat")
    parser.add_argument("--warmup-epochs", type=int, default=1, help="epochs before them that do not count")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=min(8, os.cpu_count() or 1), help="of package and timm")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--precision", choices=("auto", "bf16-mixed", "32-true"), default="auto")
    parser.add_argument("--preset", default="auto", help="the package's augmentation")
    parser.add_argument("--decoded-mb", type=int, help="memory for the package's decoded images; by default its own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="JSON file")
    parser.add_argument("--toy", action="store_true", help=f"other defaults: {TOY}".replace("%", "%%"))
    return parser


def resolve_device(name: str) -> torch.device:
    """Return the device of a name, or leave with a sentence where it is not there."""
    has_cuda = torch.cuda.is_available()
    kind, _, index = name.partition(":")
    if name == "auto":
        return torch.device("cuda" if has_cuda else "cpu")
    if kind not in ("cpu", "cuda") or (index and not index.isdigit()):
        refuse(f'--device: got "{name}"; allowed: auto, cpu, cuda, cuda:N.')
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        refuse(f'--device: got "{name}", but torch sees no such CUDA device here; use --device cpu or auto.')
    return torch.device(name)


def refuse(sentence: str) -> NoReturn:
    """Leave with exit code 2 and a sentence."""
    print(sentence, file=sys.stderr)
    sys.exit(2)


def resolve_settings(options: argparse.Namespace, data: Path) -> list[Setting]:
    """Return a setting for each network, or leave with a sentence where an option cannot be used."""
    least = dict.fromkeys(("images", "image_size", "batch_size", "classes", "epochs", "repeats"), 1)
    for name, allowed in {**least, "warmup_epochs": 0, "workers": 0}.items():
        if getattr(options, name) < allowed:
            refuse(f"--{name.replace('_', '-')}: got {getattr(options, name)}; allowed: {allowed} or more.")
    device = resolve_device(options.device)
    precision = options.precision
    if precision == "auto":
        has_bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        precision = "bf16-mixed" if has_bf16 else "32-true"
    import timm
    from throughput_loops import Setting  # imported this late, a wrong option is refused at once

    for name in options.models:
        if not timm.is_model(name):
            refuse(f'--models: timm has no model "{name}".')
    shared = ("classes", "image_size", "batch_size", "epochs", "warmup_epochs", "workers", "preset", "decoded_mb")
    values = {name: getattr(options, name) for name in (*shared, "seed")}
    values |= {"data": data, "device": device, "precision": precision}
    steps = math.ceil(options.images / options.batch_size)  # timm leaves out the rest of an epoch, the package does not
    return [Setting(model=name, steps=steps, **values) for name in options.models]


def main() -> None:
    """Parse the command line, draw the images, measure, print the table and write the JSON file."""
    parser = build_parser()
    if parser.parse_args().toy:
        parser.set_defaults(**TOY)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VISION_FT_CACHE"] = str(Path(folder) / "cache")
        settings = resolve_settings(options, Path(folder) / "images")
        results = run(settings, options)
    print(f"{results['device']['name']}, {results['settings']['precision']}")
    print_table(results["models"])


def run(settings: list[Setting], options: argparse.Namespace) -> dict[str, Any]:
    """Draw the images and measure every network; the file is written after each, so that a later failure costs less."""
    from throughput_loops import CONTENDERS

    one = settings[0]
    draw_images(one.data, one)
    resolved = {"images": one.images, "precision": one.precision, "device": str(one.device), "out": str(options.out)}
    results: dict[str, Any] = {**describe(one), "settings": vars(options) | resolved, "models": {}}
    for setting in settings:
        results["models"][setting.model] = measure(setting, CONTENDERS, options.repeats)
        if options.out is not None:
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps(results, indent=1) + "\n")
    return results


if __name__ == "__main__":
    main()
