"""Every loss of every task keeps the contract of losses."""

from __future__ import annotations

import pytest

from vision_ft.tasks import TASKS
from vision_ft.testing import check_loss

EVERY_LOSS = [(task, name) for task, spec in TASKS.items() if spec.losses is not None for name in spec.losses]


@pytest.mark.parametrize(("task", "name"), EVERY_LOSS)
def test_a_loss_is_lower_for_right_answers_and_has_a_gradient(task, name):
    check_loss(name, task=task)


def test_a_loss_that_rewards_wrong_answers_is_found():
    losses = TASKS["classification"].losses

    def build(class_counts):
        return lambda outputs, target: outputs.float().gather(1, target.labels[:, None]).mean()

    losses.register("wrong", build)
    try:
        with pytest.raises(AssertionError, match="wrong: right predictions cost 8.0, wrong ones 0.0"):
            check_loss("wrong")
    finally:
        losses.remove("wrong")
