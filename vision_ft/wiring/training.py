"""From recipe, table and model to a run that the engine can train."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import torch

from vision_ft.augment.mix import mix
from vision_ft.config.schema.recipe import Recipe
from vision_ft.data.kinds import KINDS
from vision_ft.data.labelled import labelled_rows
from vision_ft.data.loading.cache import cache_dir
from vision_ft.data.loading.dataset import DecodedImages, EvalImages, TrainImages
from vision_ft.data.loading.loaders import EpochBatches, build_eval_loader, build_train_loader
from vision_ft.data.several_labels import label_columns
from vision_ft.data.table import SampleTable
from vision_ft.engine.optim import OptimSettings
from vision_ft.engine.run import Method, RunData, Services, TrainingRun
from vision_ft.engine.runtime import Runtime
from vision_ft.errors import RecipeError
from vision_ft.models.assemble import DenseModel, VisionModel
from vision_ft.models.heads import HEADS
from vision_ft.models.preprocessing import build_eval_transform
from vision_ft.tasks import TASKS
from vision_ft.tasks.classification import class_weights
from vision_ft.tasks.spec import TaskSpec
from vision_ft.types import Batch, Preprocessing
from vision_ft.wiring.features import FeatureSource
from vision_ft.wiring.maps import BackboneMaps
from vision_ft.wiring.model import learning_rates
from vision_ft.wiring.names import look_up
from vision_ft.wiring.targets import build_targets

if TYPE_CHECKING:
    from vision_ft.augment.presets import Augment

MANY_IMAGES = 1000  # from here on the medium preset; below, light (BiT-HyperRule's idea, arXiv:1912.11370)
SMALL_BATCH = 16  # below, BatchNorm statistics of a batch are too noisy to learn from
BYTES_PER_MB = 2**20


def build_runtime(recipe: Recipe) -> Runtime:
    """Start the devices and processes that the recipe asks for.

    Raises:
        RecipeError: the device is not there, or a name is unknown.
    """
    config = recipe.run
    return Runtime(
        device=config.device,
        devices=config.devices,
        precision=config.precision,
        # a head on maps does not read the weights behind the last one, such as those of a class token
        unread_weights=look_up(HEADS, recipe.model.head, key="model.head").takes == "pyramid",
    )


def build_training_run(recipe: Recipe, table: SampleTable, model: VisionModel, services: Services) -> TrainingRun:
    """Wire model, images, loss and settings together.

    Raises:
        RecipeError: a name or a value cannot be used.
    """
    task = task_for(table)
    if recipe.optim.imbalance == "sampler" and not task.draws:
        raise RecipeError(
            f'optim.imbalance: "sampler" draws images by their one label; the task is {recipe.task}. Use "weights".'
        )
    if selecting_metric(recipe) not in task.metrics:
        raise RecipeError(f'optim.metric: got "{recipe.optim.metric}"; allowed: {", ".join(task.metrics)}.')
    rows = {split: labelled_rows(table, split) for split in ("train", "val")}
    counts = KINDS[table.task].count(table, rows["train"])
    if task.prepare is not None:
        task.prepare(model.head, counts)
    method = Method(
        task=task,
        loss=task.build_loss(
            counts,
            name=recipe.optim.loss,
            imbalance=recipe.optim.imbalance,
            label_smoothing=recipe.optim.label_smoothing,
        ),
        settings=optim_settings(recipe),
        seed=recipe.run.seed,
        batchnorm=resolve_batchnorm(recipe),
        imbalance=recipe.optim.imbalance,
    )
    return TrainingRun(model, _build_run_data(recipe, table, model, services, rows=rows), method, services)


def task_for(table: SampleTable) -> TaskSpec:
    """Return the task of a table, made for its label columns where it has such."""
    task = TASKS[table.task]
    return task if task.bind is None else task.bind([len(column.classes) for column in label_columns(table)])


def optim_settings(recipe: Recipe) -> OptimSettings:
    """Return the optimiser's values, with the learning rates resolved."""
    config = recipe.optim
    lr, head_lr = learning_rates(recipe)
    return OptimSettings(
        name=config.name,
        lr=lr,
        head_lr=head_lr,
        weight_decay=config.weight_decay,
        momentum=config.momentum,
        warmup=config.warmup,
        clip=config.clip,
        accumulate=config.accumulate,
        ema=config.ema,
        patience=config.patience,
        metric=selecting_metric(recipe),
    )


def selecting_metric(recipe: Recipe) -> str:
    """Return the metric that chooses the best epoch; "auto" is the task's first."""
    return TASKS[recipe.task].metrics[0] if recipe.optim.metric == "auto" else recipe.optim.metric


def resolve_batchnorm(recipe: Recipe) -> Literal["train", "eval"]:
    """Return whether BatchNorm statistics of trained groups move; "auto" keeps those of pretrained weights.

    A head fitted on the pretrained statistics meets other features as soon as these move: with ResNet-18 on 20 bird
    species at 96 px, the best of three full epochs reached a val macro-F1 of 0.62 with moving statistics and 0.87 with
    kept ones, against 0.86 of the head alone.
    """
    chosen = recipe.optim.batchnorm
    if chosen != "auto":
        return chosen
    return "train" if recipe.model.pretrained is False and recipe.optim.batch_size >= SMALL_BATCH else "eval"


def resolve_preset(recipe: Recipe, table: SampleTable) -> str:
    """Return the augmentation preset's name; "auto" depends on the number of training images.

    Raises:
        RecipeError: the preset is unknown.
    """
    from vision_ft.augment.presets import PRESETS  # here: albumentations takes a second

    name = recipe.augment.preset
    if name == "auto":
        return "light" if len(table.rows("train")) < MANY_IMAGES else "medium"
    look_up(PRESETS, name, key="augment.preset")
    return name


def view_key(recipe: Recipe, table: SampleTable) -> dict[str, Any]:
    """Return what decides the augmented views of images, for what is cached of them."""
    from vision_ft.augment.presets import PRESETS  # here: albumentations takes a second

    return {"preset": PRESETS.fingerprint(resolve_preset(recipe, table)), "seed": recipe.run.seed}


def build_recipe_augment(recipe: Recipe, table: SampleTable, preprocessing: Preprocessing) -> Augment:
    """Build the training augmentation for the backbone's input size."""
    from vision_ft.augment.presets import build_augment  # here: albumentations takes a second

    name = resolve_preset(recipe, table)
    return build_augment(
        name,
        size=preprocessing.size[1:],
        interpolation=preprocessing.interpolation,
        crop_pct=preprocessing.crop_pct,
        crop_mode=preprocessing.crop_mode,
    )


def resolve_workers(workers: int | str, device: torch.device) -> int:
    """Return the number of loader processes; "auto" is none on the CPU, where they would take the model's cores."""
    if isinstance(workers, int):
        return workers
    return 0 if device.type == "cpu" else min(8, os.cpu_count() or 1)


@dataclass(frozen=True)
class Pictures:
    """The images of a run: decoded, as training sees them, and as validation sees them."""

    decoded: DecodedImages
    training: TrainImages
    plain: EvalImages


def open_pictures(
    recipe: Recipe,
    table: SampleTable,
    model: VisionModel,
    *,
    keep_tensors: bool,
    rows: np.ndarray | None = None,
    workers: int = 0,
) -> Pictures:
    """Open the images of a table for a model; nothing is decoded yet.

    Args:
        recipe: augmentation, seed and memory budget.
        table: the images.
        model: its backbone knows the preprocessing.
        keep_tensors: whether images as validation sees them stay in memory, within the budget.
        rows: rows that training reads; by default all labelled ones of train.
        workers: processes that load them; each keeps masks of its own, so they share the budget.
    """
    preprocessing = model.backbone.preprocessing
    budget = recipe.run.decoded_budget_mb * BYTES_PER_MB if recipe.run.cache else 0
    truth = build_targets(table, preprocessing, keep_bytes=budget // 4 // max(workers, 1))
    decoded = DecodedImages(
        table,
        (labelled_rows(table, "train") if rows is None else rows).tolist(),
        channels=preprocessing.size[0],
        # twice the input: a small crop still has a pixel for each pixel
        min_side_px=2 * max(preprocessing.size[1:]) if KINDS[table.task].may_shrink else None,
        budget_bytes=budget,
    )
    augment = build_recipe_augment(recipe, table, preprocessing)
    plain = EvalImages(
        table,
        transform=build_eval_transform(preprocessing),
        channels=preprocessing.size[0],
        keep_bytes=budget // 4 if keep_tensors else 0,
        truth=truth,
    )
    training = TrainImages(decoded, augment=augment, preprocessing=preprocessing, seed=recipe.run.seed, truth=truth)
    return Pictures(decoded, training, plain)


def _build_run_data(
    recipe: Recipe, table: SampleTable, model: VisionModel, services: Services, *, rows: Mapping[str, np.ndarray]
) -> RunData:
    """Wire what a run reads; `rows` are the labelled ones of train and val."""
    workers = resolve_workers(recipe.run.workers, services.runtime.device)
    pictures = open_pictures(recipe, table, model, keep_tensors=workers == 0, rows=rows["train"], workers=workers)
    batches = EpochBatches(
        rows["train"],
        batch_size=recipe.optim.batch_size,
        seed=recipe.run.seed,
        rank=services.runtime.rank,
        world_size=services.runtime.world_size,
        weights=_sample_weights(recipe, table, rows["train"]),
    )

    @cache
    def train() -> Any:
        pictures.decoded.fill(threads=os.cpu_count() or 1)
        return build_train_loader(pictures.training, batches, workers=workers)

    def load_eval(rows: np.ndarray) -> Any:
        return build_eval_loader(pictures.plain, rows, batch_size=2 * recipe.optim.batch_size, workers=workers)

    return RunData(
        train=train,
        batches=batches,
        train_rows=rows["train"],
        val_rows=rows["val"],
        labels=KINDS[table.task].labels(table),
        load_eval=load_eval,
        **_build_cached(recipe, table, model, services, pictures=pictures, workers=workers, rows=rows),
        describe=table.relative_path,
        mix=build_mix(recipe, len(table.classes)),
        views=recipe.augment.views,
    )


def _build_cached(
    recipe: Recipe,
    table: SampleTable,
    model: VisionModel,
    services: Services,
    *,
    pictures: Pictures,
    workers: int,
    rows: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """Return what phases of the head read in place of images: pooled features, or maps where the disk allows."""
    given: dict[str, Any] = {
        "services": services,
        "root": cache_dir() if recipe.run.cache else services.folder / "cache",
        "workers": workers,
        "plain": pictures.plain,
        "augmented": pictures.training,
        "view_key": view_key(recipe, table),
    }
    if model.takes == "pooled":
        return {"features": FeatureSource(model, **given)}
    if not recipe.run.cache or not recipe.run.maps_budget_mb:
        return {"features": None}
    given["view_key"]["task"] = recipe.task  # a turned image has grey corners for boxes, mirrored ones for masks
    maps = BackboneMaps(cast(DenseModel, model), budget_mb=recipe.run.maps_budget_mb, **given)
    need_mb = maps.need_mb(len(rows["train"]), len(rows["val"]), recipe.augment.views)
    fits = need_mb <= recipe.run.maps_budget_mb
    where = "are cached" if fits else "are computed in each epoch"
    services.reporter.say(
        f"maps of the frozen backbone, {need_mb:,.0f} of {recipe.run.maps_budget_mb:,} MB allowed, {where}"
    )
    return {"features": None, "maps": maps if fits else None}


def _sample_weights(recipe: Recipe, table: SampleTable, rows: np.ndarray) -> np.ndarray | None:
    if recipe.optim.imbalance != "sampler":
        return None
    labels = table.labels[rows]
    return class_weights(np.bincount(labels, minlength=len(table.classes)))[labels]


def build_mix(recipe: Recipe, num_classes: int) -> Any:
    """Return mixup and cutmix as the recipe asks for them, or None."""
    mixup, cutmix, seed = recipe.augment.mixup, recipe.augment.cutmix, recipe.run.seed
    if not mixup and not cutmix:
        return None
    if not TASKS[recipe.task].mixes:
        raise RecipeError(
            f"augment.mixup and augment.cutmix mix single labels; the task is {recipe.task}. Set both to 0."
        )

    def apply(batch: Batch, epoch: int, step: int) -> Batch:
        state = int(np.random.SeedSequence((seed, epoch, step)).generate_state(1)[0])
        generator = torch.Generator().manual_seed(state)
        if batch.target.labels is None:
            raise ValueError("mixup and cutmix need labels")
        images, labels = mix(
            batch.images, batch.target.labels, num_classes=num_classes, mixup=mixup, cutmix=cutmix, generator=generator
        )
        return replace(batch, images=images, target=replace(batch.target, labels=labels))

    return apply
