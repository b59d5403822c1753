"""Which car stands where in each frame of a day: cars come, stay for some frames, and leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vision_ft.demo.cars import BODIES, PAINTS, Car
from vision_ft.demo.scene import Bay, Lot

_KINDS = ("sedan", "hatchback", "suv", "van", "pickup")
_KIND_SHARES = (0.3, 0.34, 0.22, 0.09, 0.05)
CHANGE = 0.3  # probability that a bay's state changes from one frame to the next


@dataclass(frozen=True)
class Moment:
    """One frame of a day: the car of each bay, None where it is empty."""

    cars: tuple[Car | None, ...]


def plan_day(lot: Lot, *, frames: int, rng: np.random.Generator) -> list[Moment]:
    """Let cars come and go; every day has at least one occupied and one empty bay in some frame."""
    share = rng.uniform(0.35, 0.65)
    now: list[Car | None] = [park(bay, rng) if rng.random() < share else None for bay in lot.bays]
    moments = []
    for _ in range(frames):
        moments.append(Moment(tuple(now)))
        changes = rng.random(len(now)) < CHANGE
        now = [
            (park(bay, rng) if car is None else None) if change else car
            for bay, car, change in zip(lot.bays, now, changes, strict=True)
        ]
    return _with_both(moments, lot, rng)


def park(bay: Bay, rng: np.random.Generator) -> Car:
    """Put a random car on a bay, nose or tail first, never quite straight."""
    kind = str(rng.choice(_KINDS, p=_KIND_SHARES))
    paints = [paint for paint, _ in PAINTS]
    paint = paints[int(rng.choice(len(paints), p=[share for _, share in PAINTS]))]
    tint = np.clip(np.array(paint) * rng.uniform(0.88, 1.1) + rng.normal(0, 4, size=3), 8, 250)
    slack = (5.2 - BODIES[kind].length) / 2
    along = np.array([np.cos(bay.yaw), np.sin(bay.yaw)])
    across = np.array([-along[1], along[0]])
    spot = bay.center + along * rng.uniform(-slack, slack) + across * np.clip(rng.normal(0, 0.17), -0.5, 0.5)
    crooked = rng.normal(0, 0.05) if rng.random() < 0.93 else rng.normal(0, 0.16)
    turn = np.pi if rng.random() < 0.35 else 0.0
    color = tuple(int(value) for value in tint)
    return Car(kind=kind, paint=color, x=float(spot[0]), y=float(spot[1]), yaw=float(bay.yaw + turn + crooked))


def _with_both(moments: list[Moment], lot: Lot, rng: np.random.Generator) -> list[Moment]:
    """Change the first bay of the first frame if a day has one class only."""
    states = {car is None for moment in moments for car in moment.cars}
    if len(states) == 2:
        return moments
    first = park(lot.bays[0], rng) if states == {True} else None
    return [Moment((first, *moments[0].cars[1:])), *moments[1:]]
