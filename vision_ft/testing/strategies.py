"""What every strategy keeps: known groups, a trained head, epochs that sum up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vision_ft.strategies import STRATEGIES
from vision_ft.types import Phase

GROUPS = ("stem", "stage1", "stage2", "stage3", "head")  # from input to head


def check_strategy(name: str, *, groups: Sequence[str] = GROUPS, **options: Any) -> None:
    """Check a registered strategy's plans for several numbers of epochs.

    Args:
        name: in the registry.
        groups: from input to head.
        options: of the plan, such as solver="gradient".

    Raises:
        AssertionError: it does not keep the contract of strategies.
    """
    strategy = STRATEGIES[name]
    assert strategy.epochs >= 1, "its default number of epochs is 1 or more"
    for epochs in (1, 3, 6, 20):
        phases = strategy.plan(groups, epochs, **options)
        again = strategy.plan(groups, epochs, **options)
        assert phases == again, f"{epochs} epochs: two calls differ; a plan is a pure function"
        check_phases(phases, groups, epochs)


def check_phases(phases: list[Phase], groups: Sequence[str], epochs: int) -> None:
    """Names exist, the head trains at some time, epochs of the backbone sum up, scales are shares."""
    where = f"{epochs} epochs"
    assert any(groups[-1] in phase.lr_scale for phase in phases), f"{where}: the head {groups[-1]!r} never trains"
    for phase in phases:
        unknown = set(phase.lr_scale) - set(groups)
        assert not unknown, f"{where}, {phase.name}: groups {sorted(unknown)} do not exist"
        convex = phase.solver == "convex"
        assert (phase.epochs == 0) == convex, f"{where}, {phase.name}: 0 epochs go with the solver convex, and no other"
        high = {group: scale for group, scale in phase.lr_scale.items() if not 0 < scale <= 1}
        assert not high, f"{where}, {phase.name}: multiples of the learning rate outside (0, 1]: {high}"
    touching = [phase for phase in phases if set(phase.lr_scale) != {groups[-1]}]
    if touching:
        total = sum(phase.epochs for phase in touching)
        assert total == epochs, f"{where}: phases that train more than the head take {total}"
