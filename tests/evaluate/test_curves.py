"""Each verdict on hand-made curves, with the numbers it must quote."""

from __future__ import annotations

from vision_ft.evaluate.curves import judge_curves


def log(train_accuracy, val_accuracy, val_loss=None, val_macro_f1=None):
    losses = val_loss or [1.0] * len(train_accuracy)
    return [
        {"epoch": i + 1, "train_accuracy": t, "val_accuracy": v, "val_loss": loss, "val_macro_f1": f1}
        for i, (t, v, loss, f1) in enumerate(
            zip(train_accuracy, val_accuracy, losses, val_macro_f1 or val_accuracy, strict=True)
        )
    ]


def kinds(verdicts):
    return [verdict["kind"] for verdict in verdicts]


def test_a_gap_between_train_and_val_and_a_rising_val_loss_are_overfitting():
    verdicts = judge_curves(
        log([0.6, 0.8, 0.95, 0.99, 1.0], [0.6, 0.7, 0.71, 0.7, 0.7], [1.0, 0.8, 0.9, 1.0, 1.2]), num_val=500
    )
    assert kinds(verdicts)[0] == "overfitting"
    assert "training accuracy ends at 100% but validation accuracy at 70%" in verdicts[0]["sentence"]
    assert "rose 50% from its best (0.80 at epoch 2) to 1.20" in verdicts[0]["sentence"]


def test_low_accuracy_on_the_training_pictures_themselves_is_underfitting():
    verdicts = judge_curves(log([0.5, 0.55, 0.56, 0.56], [0.5, 0.54, 0.55, 0.55]), num_val=500)
    assert "underfitting" in kinds(verdicts)
    assert "ends at 56%, close to validation at 55%" in verdicts[0]["sentence"]


def test_a_metric_that_still_rises_at_the_end_is_said_with_its_gain():
    verdicts = judge_curves(log([0.9] * 8, [0.6, 0.65, 0.7, 0.74, 0.78, 0.81, 0.84, 0.87]), num_val=500)
    assert kinds(verdicts) == ["still-improving"]
    assert "from 0.810 to 0.870 within the last 2 epochs" in verdicts[0]["sentence"]


def test_an_early_best_epoch_is_named():
    verdicts = judge_curves(log([0.9] * 9, [0.8, 0.9, 0.88, 0.87, 0.87, 0.87, 0.87, 0.87, 0.87]), num_val=500)
    assert kinds(verdicts) == ["early-best"]
    assert "at epoch 2 of 9" in verdicts[0]["sentence"]


def test_healthy_curves_are_called_so():
    verdicts = judge_curves(log([0.85, 0.88, 0.9, 0.9], [0.85, 0.88, 0.88, 0.88]), num_val=500)
    assert kinds(verdicts) == ["healthy"]
    assert verdicts[0]["level"] == "info"


def test_few_validation_pictures_are_a_warning_even_without_epochs():
    verdicts = judge_curves([], num_val=40)
    assert kinds(verdicts) == ["few-validation-pictures"]
    assert "Only 40 validation images" in verdicts[0]["sentence"]
    assert "±12%" in verdicts[0]["sentence"]


def test_short_runs_and_missing_values_give_no_trend():
    assert kinds(judge_curves(log([0.5, 0.6], [0.5, 0.6]), num_val=500)) == ["too-short"]
    assert judge_curves([{"phase": "head", "val_macro_f1": 0.8}], num_val=500) == []
    empty = [{"epoch": i, "train_accuracy": None, "val_accuracy": None} for i in range(1, 6)]
    assert kinds(judge_curves(empty, num_val=500)) == ["healthy"]
