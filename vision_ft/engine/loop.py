"""The one training loop: it runs any list of phases and can go on from any of its safe points."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vision_ft.engine.checkpoint import BEST
from vision_ft.engine.features import FeatureLoader, as_labels, load_cached
from vision_ft.engine.inference import Decode, predict_outputs
from vision_ft.engine.maps import MapLoader
from vision_ft.engine.run import TrainingRun
from vision_ft.engine.signals import Terminated
from vision_ft.engine.stage import Stage, clear_gradients, seed_everything
from vision_ft.errors import TrainingError
from vision_ft.models.stages import set_trainable
from vision_ft.types import Batch, Phase


def fit(run: TrainingRun, phases: Sequence[Phase]) -> None:
    """Run all phases, or those that an interrupted run still lacks; the model ends with its best weights.

    Raises:
        TrainingError: the loss is no longer a number; the files of the batch are named.
        Terminated: the run was asked to end; its state is saved.
    """
    for index in range(run.progress.phase, len(phases)):
        phase = phases[index]
        if run.progress.stopped and not run.is_head_only(phase):
            break
        if _first_touches_backbone(run, phases, index) and not (run.progress.phase_epoch or run.progress.step):
            run.keep_start()
        if phase.solver == "convex":
            _fit_convex(run)
        else:
            _run_phase(run, phase)
        _end_phase(run, index, phase)
    if any(not run.is_head_only(phase) for phase in phases):
        _load_best(run)
    set_trainable(run.model, (), batchnorm="eval")


def _first_touches_backbone(run: TrainingRun, phases: Sequence[Phase], index: int) -> bool:
    """Whether this phase is the first to touch the backbone, after the head was fitted: one end of interpolation."""
    before = [run.is_head_only(phase) for phase in phases[:index]]
    return bool(before) and all(before) and not run.is_head_only(phases[index])


def _run_phase(run: TrainingRun, phase: Phase) -> None:
    stage = run.build_stage(phase)
    loader, val = _sources(run, phase)
    progress = run.progress
    while progress.phase_epoch < phase.epochs and not progress.stopped:
        begin_epoch(run)
        train_epoch(run, stage, loader)
        end_epoch(run, stage, val)
    if run.is_head_only(phase):
        progress.stopped = False  # an exhausted head ends its phase, not the run; also when killed in between


def _sources(run: TrainingRun, phase: Phase) -> tuple[Any, Any]:
    """Return the training batches of a phase and the loader of val rows: cached features, or images."""
    data = run.data
    if not run.reads_features(phase):
        return data.train(), data.load_eval
    if data.maps is not None:
        cached = data.maps.open(data.train_rows, data.val_rows, min(data.views, phase.epochs))
        return MapLoader(cached, data.batches), cached.load
    assert data.features is not None, "a phase reads features only where there are some"
    features = torch.from_numpy(data.features("features of train", data.train_rows, data.views))
    position = {int(row): index for index, row in enumerate(data.train_rows)}
    labels = as_labels(data.labels[data.train_rows])
    return FeatureLoader(features, labels, position, data.batches), feature_rows(run, "features of val", data.val_rows)


def feature_rows(run: TrainingRun, what: str, rows: np.ndarray) -> Callable[[np.ndarray], Iterable[Batch]]:
    """Compute the cached features of `rows`, all processes together, and return a loader that takes parts of them.

    Where features are not cached, the loader gives images.
    """
    if run.data.features is None:
        return run.data.load_eval
    vectors = run.data.features(what, rows, 1)[0] if len(rows) else np.empty((0, 0), np.float32)
    return load_cached(vectors, rows, run.data.labels)


def begin_epoch(run: TrainingRun) -> None:
    """Seed and shuffle from (seed, epoch, rank) only, and skip what an interrupted epoch had done."""
    epoch = run.progress.epoch + 1
    seed_everything(run.method.seed, epoch, run.runtime.rank)
    run.data.batches.begin(epoch, skip=run.progress.step)
    run.restore_random_state()


def train_epoch(run: TrainingRun, stage: Stage, loader: Any) -> None:
    """Train on one epoch of batches, from the first that is not done yet."""
    progress, accumulate = run.progress, run.settings.accumulate
    num_batches = len(run.data.batches)
    stage.train()
    run.reporter.begin(f"epoch {progress.epoch + 1}: {stage.phase.name}", run.data.batches.num_pictures)
    started = time.perf_counter() - progress.seconds
    for batch in loader:
        first = progress.step - progress.step % accumulate
        group_size = min(accumulate, num_batches - first)  # the last group may be shorter
        is_last = progress.step == first + group_size - 1
        with run.runtime.no_sync(stage.wrapped, enabled=not is_last):
            train_batch(run, stage, batch, group_size)
        progress.step += 1
        run.reporter.advance(len(batch.ids))
        if is_last:
            stage.step()
            progress.seconds = time.perf_counter() - started
            stop_if_asked(run, stage)
    progress.seconds = time.perf_counter() - started
    run.reporter.end()


def train_batch(run: TrainingRun, stage: Stage, batch: Batch, group_size: int) -> None:
    """Back-propagate one batch and add it to the epoch's sums."""
    labels = batch.target.labels
    if run.data.mix is not None and batch.images.ndim == 4:
        batch = run.data.mix(batch, run.progress.epoch, run.progress.step)
    batch = run.runtime.to_device(batch)
    outputs = stage.forward(batch)
    loss = stage.loss(outputs, batch)
    penalty = run.method.penalty
    total = loss if penalty is None else loss + penalty(run.model)  # a mean over a group's batches counts it once
    check_finite(total, batch, run)
    run.runtime.backward(total / group_size)
    progress = run.progress
    progress.loss_sum += float(loss.detach()) * len(batch.ids)
    progress.seen += len(batch.ids)
    if labels is not None and run.task.counts_correct:
        progress.correct += int((outputs.detach().argmax(dim=1).cpu() == labels).sum())


def check_finite(loss: Tensor, batch: Batch, run: TrainingRun) -> None:
    """Stop before a step that would ruin every weight.

    Raises:
        TrainingError: the loss is infinite or not a number.
    """
    if math.isfinite(float(loss.detach())):
        return
    names = ", ".join(run.data.describe(int(row)) for row in batch.ids[:8])
    more = f" and {len(batch.ids) - 8} more" if len(batch.ids) > 8 else ""
    raise TrainingError(
        f"epoch {run.progress.epoch + 1}, batch {run.progress.step + 1}: the loss is {float(loss.detach())}; no step "
        f"was taken. The batch holds {names}{more}. Lower optim.lr, set optim.clip, or look at these images; the "
        "last finished epoch is kept and --resume goes on from it."
    )


def stop_if_asked(run: TrainingRun, stage: Stage) -> None:
    """Save and leave when the process was asked to end."""
    if any(run.runtime.gather(run.stop.requested)):
        run.save(stage)
        raise Terminated


def end_epoch(run: TrainingRun, stage: Stage, load_val: Any) -> None:
    """Validate, write the epoch's record, keep the best weights, save."""
    progress = run.progress
    val = validate(run, stage, load_val)
    sums = run.runtime.gather((progress.loss_sum, progress.correct, progress.seen))
    loss_sum, correct, seen = (sum(values) for values in zip(*sums, strict=True))
    record = {
        "epoch": progress.epoch + 1,
        "phase": stage.phase.name,
        "train_loss": loss_sum / max(seen, 1),
        "train_accuracy": correct / max(seen, 1) if run.task.counts_correct and run.data.mix is None else None,
        **{f"val_{name}": value for name, value in val.items()},
        "lr": stage.learning_rates(),
        "seconds": round(progress.seconds, 3),
        "images_per_s": round(seen / max(progress.seconds, 1e-9), 1),
    }
    progress.history.append({key: _json_number(value) for key, value in record.items()})
    progress.epoch += 1
    progress.phase_epoch += 1
    progress.step = progress.correct = progress.seen = 0
    progress.loss_sum = progress.seconds = 0.0
    _compare(run, stage, val)
    run.reporter.epoch(progress.history[-1])
    run.save(stage)
    if any(run.runtime.gather(run.stop.requested)):
        raise Terminated


def validate(run: TrainingRun, stage: Stage, load_val: Any) -> dict[str, float]:
    """Score the val images, each exactly once, over all processes."""
    return score_rows(run, stage.evaluated(), load_val, run.data.val_rows)


def score_rows(run: TrainingRun, module: nn.Module, load: Any, rows: np.ndarray) -> dict[str, float]:
    """Score images with the task's own numbers: {"loss", ...}."""
    decode: Decode = lambda outputs, batch: run.task.decode(outputs, batch.target)  # noqa: E731 - two words
    outputs: Any = predict_outputs(module, load, rows, decode=decode, runtime=run.runtime)
    if outputs and isinstance(outputs[0], np.ndarray):
        outputs = np.stack(outputs)
    return run.task.score(outputs, run.data.labels[rows])


def _compare(run: TrainingRun, stage: Stage, val: dict[str, float]) -> None:
    """Keep the epoch unless an earlier one beats it: by the metric, then by the loss; of equal ones the later is kept.

    Of two equal models the later one has seen more; `evaluate.curves.best_epoch` reads the log by the same rule. An
    equal epoch uses up patience all the same, except while nothing at all is found: a detector may need epochs for its
    first hit.
    """
    progress, metric = run.progress, val[run.settings.metric]
    loss = val["loss"] if math.isfinite(val["loss"]) else math.inf  # a detector's val loss is not known
    better = progress.best is None or (metric, -loss) > (progress.best, -progress.best_loss)
    untold = math.isnan(metric) or (metric, loss) == (progress.best, progress.best_loss)
    if better or untold:
        progress.best, progress.best_loss, progress.best_epoch = metric, loss, progress.epoch
        run.keep_best(stage.evaluated().state_dict())
    if better or math.isnan(metric) or (untold and metric == 0):
        progress.since_best = 0
        return
    progress.since_best += 1
    patience = run.settings.patience
    if patience is not None and progress.since_best >= patience:
        progress.stopped = True
        run.reporter.say(f"early stop: no better {run.settings.metric} on val for {patience} epochs")


def _end_phase(run: TrainingRun, index: int, phase: Phase) -> None:
    """Leave the phase with nothing of its wrapper, optimizer or gradients."""
    clear_gradients(run.model)
    if run.is_head_only(phase) and phase.solver == "gradient":
        weights = run.kept_weights(BEST)
        if weights is not None:
            run.module_of(phase).load_state_dict(weights)
        run.progress.forget_best()
    run.progress.phase, run.progress.phase_epoch = index + 1, 0
    run.save()


def _load_best(run: TrainingRun) -> None:
    weights = run.kept_weights(BEST)
    if weights is not None and run.progress.best_epoch:
        run.model.load_state_dict(weights)


def _fit_convex(run: TrainingRun) -> None:
    """Fit the linear head at once on the cached features of all views."""
    data, head, fit_head = run.data, run.model.head, run.task.convex
    if data.features is None or fit_head is None:
        raise TrainingError("the convex solver fits a linear head on pooled features, which this task does not have")
    set_trainable(run.model, (run.head_group,), batchnorm="eval")
    train = data.features("features of train", data.train_rows, data.views)
    val = data.features("features of val", data.val_rows, 1)[0] if len(data.val_rows) else None
    if not isinstance(head, nn.Linear):
        raise TrainingError(f"the convex solver fits linear heads; this one is {type(head).__name__}")
    fitted = fit_head(
        (train, data.labels[data.train_rows]),
        None if val is None else (val, data.labels[data.val_rows]),
        num_outputs=head.out_features,
        imbalance=run.method.imbalance,
        weights=None if data.row_weights is None else data.row_weights[data.train_rows],
    )
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(fitted.weight))
        head.bias.copy_(torch.from_numpy(fitted.bias))
    run.reporter.say(f"head fitted {fitted.note}")


def _json_number(value: Any) -> Any:
    """Map a float that JSON cannot hold to None."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
