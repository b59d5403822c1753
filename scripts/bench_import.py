"""Measure what importing the training costs beside its two big libraries, in CPU seconds of fresh processes.

Usage: python scripts/bench_import.py [RUNS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys

LIBRARIES, TRAINING = "torch, timm", "vision_ft.api.train"
PROGRAM = "import time; started = time.process_time(); import {}; print(time.process_time() - started)"
LIMIT = 1.25  # times the libraries alone


def seconds(modules: str) -> float:
    """Return the CPU seconds that a fresh process spends on importing some modules."""
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(modules)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main(runs: int) -> None:
    taken: dict[str, list[float]] = {LIBRARIES: [], TRAINING: []}
    for modules in taken:
        seconds(modules)  # compiles and fills the disk's cache
    for _ in range(runs):  # in turn, so that another program on the machine slows both
        for modules, values in taken.items():
            values.append(seconds(modules))
    for modules, values in taken.items():
        print(f"import {modules:20} {min(values):6.2f} s at least, {statistics.median(values):6.2f} s median")
    ratios = [choose(taken[TRAINING]) / choose(taken[LIBRARIES]) for choose in (min, statistics.median)]
    print(f"ratio {ratios[0]:.2f} of the least, {ratios[1]:.2f} of the medians; limit {LIMIT}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
