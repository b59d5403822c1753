"""Draw the images of docs/new_camera.md again: python scripts/draw_docs.py [DEMO].

DEMO is the folder that `vision-ft demo` wrote (runs/demo). The report of its adaptation is photographed, which needs
chromium and playwright, and its camera B is adapted to once more with every candidate. What is there already is not run
again. Printed are the numbers that the page quotes.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import FloatRect, sync_playwright

import vision_ft as vf
from vision_ft.api.run import Adaptation
from vision_ft.cli import demo

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
CANDIDATES = ["batchnorm", "entropy", "pseudo-labels", "head", "gradual-unfreeze", "surgical", "full", "plain-full"]
FIGURES = {"candidates.png": "new_camera_changes.png", "label_budget.png": "new_camera_labels.png"}
COLOURS = 64  # of a PNG: charts and text need no more
TILE, SHOWN = 64, 12


def draw_cameras(pictures: Path, target: Path) -> None:
    """Put spaces of both cameras side by side: a row a camera and label."""
    rows = [(camera, label) for camera in (demo.OLD, demo.NEW) for label in ("occupied", "empty")]
    sheet = Image.new("RGB", (SHOWN * (TILE + 4) - 4, len(rows) * (TILE + 4) - 4), "white")
    for y, (camera, label) in enumerate(rows):
        files = sorted((pictures / camera / camera / label).iterdir())
        for x, file in enumerate(files[:: len(files) // SHOWN][:SHOWN]):
            with Image.open(file) as picture:
                sheet.paste(picture, (x * (TILE + 4), y * (TILE + 4)))
    sheet.save(target, quality=80)


def photograph(report: Path, target: Path) -> None:
    """Take an image of the report's decision: verdict, numbers, table and chart."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1180, "height": 900}, color_scheme="light")
        page.goto(report.resolve().as_uri())
        first, last = (page.locator(name).first.bounding_box() for name in ("#decision .verdict", "#decision .columns"))
        assert first is not None, "the report has a verdict"
        assert last is not None, "the report has a chart"
        margin = 12
        clip: FloatRect = {
            "x": first["x"] - margin,
            "y": first["y"] - margin,
            "width": first["width"] + 2 * margin,
            "height": last["y"] + last["height"] - first["y"] + 2 * margin,
        }
        page.screenshot(path=target, clip=clip, full_page=True)
        browser.close()


def shrink(picture: Path) -> None:
    """Keep a PNG small: fewer colours, no loss that is seen."""
    with Image.open(picture) as image:
        small = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(picture, optimize=True)


def show(outcome: dict[str, Any]) -> None:
    """Print what the page quotes."""
    print("\n".join(outcome["shift"]["sentences"]))
    for entry in outcome["candidates"]:
        if entry["status"] != "done":
            print(f"{entry['title']}: {entry['reason']}")
            continue
        scores = ", ".join(f"{name} {entry['test'][name]['accuracy']:.1%}" for name in ("old", "new"))
        print(f"{entry['title']}: {scores}, alpha {entry['alpha']}, {entry['seconds']:.0f} s")
    for part in ("decision", "budget", "honest_split"):
        print(outcome[part]["sentence"] if outcome[part] else f"no {part}")


def main() -> None:
    """Draw all images."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs/demo")
    if not (folder / "adapted" / "report.html").is_file():
        demo.run(folder, seed=0)
    every = Adaptation(folder / "all_candidates")
    if not (every.path / "report.html").is_file():
        overrides = demo.ADAPTATION | demo.GROUPS | {"adapt.candidates": CANDIDATES}
        every = vf.adapt(folder / "run", folder / "pictures" / demo.NEW, out=every.path, seed=0, overrides=overrides)
    IMAGES.mkdir(exist_ok=True)
    draw_cameras(folder / "pictures", IMAGES / "new_camera_pictures.jpg")
    photograph(folder / "adapted" / "report.html", IMAGES / "new_camera_decision.png")
    for name, target in FIGURES.items():
        shutil.copyfile(every.path / "report" / name, IMAGES / target)
    for picture in IMAGES.glob("new_camera_*.png"):
        shrink(picture)
    for outcome in (Adaptation(folder / "adapted").outcome, every.outcome):
        show(outcome)


if __name__ == "__main__":
    main()
