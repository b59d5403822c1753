"""Watch what every BatchNorm layer of a model sees while images pass, without changing the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vision_ft.errors import DataError

Pair = tuple[Tensor, Tensor]  # mean (C,) and variance (C,) of one layer
Statistics = dict[str, Pair]  # by layer name, in the order of the model

NORMALISED_TOGETHER = 32  # at least so many images share one forward pass: fewer make the statistics of a pass noise
VARIANCE_FLOOR = 1e-5  # BatchNorm's own eps: a channel that never fires has no standard deviation to divide by
MAX_STRETCH = 10.0  # a channel that slept on the old camera and wakes on the new one must not be silenced by its ratio


def batchnorm_layers(model: nn.Module) -> list[tuple[str, _BatchNorm]]:
    """Return the layers that store a running mean and variance, with their names, in the order of the model."""
    return [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, _BatchNorm) and module.running_mean is not None
    ]


def frozen_ids(model: nn.Module) -> set[int]:
    """Return the `id` of every module that a `FrozenAware` model keeps in eval."""
    return {id(module) for module in getattr(model, "frozen_modules", ())}


def blend(source: Tensor, new: Tensor, share: float) -> Tensor:
    """Return `share * source + (1 - share) * new` in the source's type and place; a share of 1 is exact."""
    return source.clone() if share == 1 else new.to(source).lerp(source, share)


def stored_statistic(layer: _BatchNorm, kind: Literal["mean", "var"]) -> Tensor:
    """Return a layer's own running mean or variance (C,), not a copy."""
    value = getattr(layer, f"running_{kind}")
    assert isinstance(value, Tensor), "layers without running statistics are left out by batchnorm_layers"
    return value


def write_statistics(layer: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    """Overwrite a layer's running mean and variance (C,) in place."""
    with torch.no_grad():
        stored_statistic(layer, "mean").copy_(mean)
        stored_statistic(layer, "var").copy_(variance)


def current_statistics(model: nn.Module) -> Statistics:
    """Return a copy of the stored mean (C,) and variance (C,) of every BatchNorm layer, on the model's device."""
    return {
        name: (stored_statistic(layer, "mean").clone(), stored_statistic(layer, "var").clone())
        for name, layer in batchnorm_layers(model)
    }


def align_statistics(source: Pair, new: Pair, reference: Pair) -> Pair:
    """Return the mean and variance (C,) that make a layer's output on the new camera look as on the old one.

    BatchNorm gives (x - mean) / std. With the source's own statistics m, s and the old camera's inputs of mean m_old
    and std s_old, the outputs have a mean and a std other than 0 and 1 wherever the layer was never fitted to the old
    camera, as in a frozen backbone. Inputs of mean m_new and std s_new get the same ones from
    `std = s * s_new / s_old` and `mean = m_new - (m_old - m) * s_new / s_old`. Where the layer holds the old camera's
    statistics, this is the new camera's mean and variance. Our own; no paper.

    Args:
        source: what the layer stores.
        new: what it sees on the new camera.
        reference: what it sees on the old camera, normalised as the source stands in the layers before.
    """
    (mean, variance), (new_mean, new_variance), (old_mean, old_variance) = source, new, reference
    squared = (new_variance + VARIANCE_FLOOR) / (old_variance + VARIANCE_FLOOR)
    stretch = squared.sqrt().clamp(1 / MAX_STRETCH, MAX_STRETCH)
    return new_mean - (old_mean - mean) * stretch, variance * stretch.square()


class _Moments:
    """Mean and variance of one layer's inputs per channel, summed over chunks in float64."""

    def __init__(self) -> None:
        self.mean: Tensor | float = 0.0
        self.square: Tensor | float = 0.0
        self.pictures = 0
        self.values = 0  # per channel

    def add(self, inputs: Tensor, mean: Tensor, variance: Tensor) -> None:
        pictures = len(inputs)
        mean, variance = mean.cpu().double(), variance.cpu().double()  # not every accelerator has float64
        self.mean = self.mean + pictures * mean
        self.square = self.square + pictures * (variance + mean.square())
        self.pictures += pictures
        self.values += inputs.numel() // inputs.shape[1]

    def result(self) -> tuple[Tensor, Tensor]:
        mean = torch.as_tensor(self.mean) / self.pictures
        variance = (torch.as_tensor(self.square) / self.pictures - mean.square()).clamp_min(0)
        return mean, variance * (self.values / max(self.values - 1, 1))  # unbiased, as BatchNorm stores it


def watch_pictures(
    model: nn.Module, batches: Iterable[Tensor], *, source_share: float, reference: Mapping[str, Pair] | None = None
) -> tuple[Statistics, int]:
    """Run images through a model and note what every BatchNorm layer gets; the model is bit-identical afterwards.

    Args:
        model: at least one BatchNorm layer; evaluated, so that nothing in it is random.
        batches: images (B, C, H, W), regrouped by `regroup`.
        source_share: while the images pass, a layer normalises by so much of its own statistics, and for the rest by
            those of the images at hand; 1 is the model as it stands. Frozen layers always use their own.
        reference: what the layers see on the old camera; then those of the images are aligned to it.

    Returns:
        the statistics of the images, every image counting the same, and how many images there were.

    Raises:
        DataError: no images, or activations that are not finite.
    """
    layers = batchnorm_layers(model)
    device = stored_statistic(layers[0][1], "mean").device
    frozen, moments, seen = frozen_ids(model), {name: _Moments() for name, _ in layers}, 0
    with _untouched(model), torch.no_grad():
        hooks = [
            layer.register_forward_pre_hook(
                _watcher(moments[name], 1.0 if id(layer) in frozen else source_share, (reference or {}).get(name))
            )
            for name, layer in layers
        ]
        try:
            for pictures in regroup(batches):
                model(pictures.to(device))
                seen += len(pictures)
        finally:
            for hook in hooks:
                hook.remove()
    if not seen:
        raise DataError("BatchNorm statistics: got no images; at least one is needed.")
    return _finished(layers, moments), seen


def _finished(layers: list[tuple[str, _BatchNorm]], moments: Mapping[str, _Moments]) -> Statistics:
    found: Statistics = {}
    for name, layer in layers:
        if not moments[name].pictures:
            continue  # a layer that the forward pass leaves out
        mean, variance = (value.to(stored_statistic(layer, "mean")) for value in moments[name].result())
        if not (mean.isfinite().all() and variance.isfinite().all()):
            raise DataError(
                f"BatchNorm statistics: layer {name} sees values that are not finite. An image or a weight holds NaN "
                "or infinity; run 'vision-ft audit' on the images."
            )
        found[name] = (mean, variance)
    return found


def _watcher(
    moments: _Moments, source_share: float, reference: Pair | None
) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    """Return a hook that notes a layer's inputs and sets what the layer normalises by for this pass."""
    stored: list[Pair] = []

    def watch(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, _BatchNorm)
        values = inputs[0].float()
        others = [axis for axis in range(values.ndim) if axis != 1]
        variance, mean = torch.var_mean(values, dim=others, correction=0)
        moments.add(values, mean, variance)
        if source_share == 1:
            return
        if not stored:  # before the first change: the source's own
            stored.append((stored_statistic(layer, "mean").clone(), stored_statistic(layer, "var").clone()))
        target = align_statistics(stored[0], (mean, variance), reference) if reference else (mean, variance)
        write_statistics(
            layer, *(blend(own, other, source_share) for own, other in zip(stored[0], target, strict=True))
        )

    return watch


@contextmanager
def _untouched(model: nn.Module) -> Iterator[None]:
    """Evaluate inside; leave modes and statistics exactly as they were, also after an error."""
    modes = [(module, module.training) for module in model.modules()]
    kept = current_statistics(model)
    model.eval()
    try:
        yield
    finally:
        for name, layer in batchnorm_layers(model):
            write_statistics(layer, *kept[name])
        for module, mode in modes:
            module.training = mode


def regroup(batches: Iterable[Tensor], size: int = NORMALISED_TOGETHER) -> Iterator[Tensor]:
    """Regroup images so that none, as a short last batch, is normalised among fewer than `size` (if so many)."""
    held: list[Tensor] = []
    for batch in batches:
        held.append(batch)
        if sum(map(len, held)) >= 2 * size:
            joined = torch.cat(held)
            yield joined[:-size]
            held = [joined[-size:]]
    if sum(map(len, held)):
        yield torch.cat(held)
