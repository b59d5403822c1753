"""Re-estimate BatchNorm statistics on unlabelled images of a new camera, mixed with those of the source model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn

from vision_ft.adaptation.activations import (
    VARIANCE_FLOOR,
    Pair,
    Statistics,
    align_statistics,
    batchnorm_layers,
    blend,
    current_statistics,
    frozen_ids,
    watch_pictures,
    write_statistics,
)
from vision_ft.errors import DataError, ModelError

# Far more than the paper's, whose ImageNet-C has the same share of every class on both sides. Where a new camera has
# other shares (parking spaces: 35% busy on the old camera, 83% on the new one), a prior of 64 cost 44 points and 1024
# cost 6; where they are nearer (office images), 64 gained 7 to 11 points and 1024 still 6 to 9. ResNet-18, 64 px, one
# seed, 96 to 300 images, aligned to the old camera.
DEFAULT_PRIOR = 1024
MINIMUM_IMAGES = 32  # the paper's own figure: 32 images carry most of the gain (Schneider 2020, abstract)


def has_batchnorm(model: nn.Module) -> bool:
    """Return whether any layer normalises by stored (running) statistics; LayerNorm and GroupNorm do not."""
    return bool(batchnorm_layers(model))


def collect_statistics(model: nn.Module, batches: Iterable[Tensor], *, adapted: bool = True) -> Statistics:
    """Measure what every BatchNorm layer sees on some images; the model is bit-identical afterwards.

    Every image counts the same, whatever the sizes of the batches. Dropout and other random parts stay off.

    Args:
        model: at least one BatchNorm layer.
        batches: images (B, C, H, W), prepared for the model, in random order: images that are normalised together
            must not be all of one class. Moved to the model's device.
        adapted: each layer normalises by the statistics of the images at hand, so deeper layers see what they will
            see after re-estimation (as in Wu & Johnson 2021, arXiv:2105.07576, sec. 3). False: the layers normalise
            as the model stands; for describing how far a camera is from the source.

    Returns:
        layer name -> mean (C,), unbiased variance (C,).

    Raises:
        ModelError: the model has no BatchNorm.
        DataError: no images, or the activations are not finite.
    """
    _require_layers(model)
    return watch_pictures(model, batches, source_share=0.0 if adapted else 1.0)[0]


def mix_statistics(
    source: Mapping[str, Pair],
    new: Mapping[str, Pair],
    *,
    count: int,
    prior: float = DEFAULT_PRIOR,
) -> Statistics:
    """Average two sets of statistics (Schneider 2020, arXiv:2006.16971, eq. 3): N/(N+n) source + n/(N+n) new.

    Variances are averaged as in the paper, without the distance of the means. Layers that `new` lacks keep the source.

    Args:
        source: statistics of the source model.
        new: statistics of the new camera.
        count: n, the images behind `new`.
        prior: N, how many images the source counts for; 0 forgets it, infinity keeps it.

    Raises:
        ModelError: a layer has another number of channels.
    """
    share = _source_share(count, prior)
    mixed: Statistics = {}
    for name, (mean, variance) in source.items():
        new_mean, new_variance = new.get(name, (mean, variance))
        if new_mean.shape != mean.shape:
            raise ModelError(
                f"BatchNorm layer {name}: the source has {len(mean)} channels, the new statistics {len(new_mean)}; "
                "both must come from the same network."
            )
        mixed[name] = (blend(mean, new_mean, share), blend(variance, new_variance, share))
    return mixed


def reestimate(
    model: nn.Module,
    batches: Iterable[Tensor],
    *,
    count: int,
    prior: float = DEFAULT_PRIOR,
    minimum: int = MINIMUM_IMAGES,
    reference: Mapping[str, Pair] | None = None,
) -> Statistics:
    """Set every BatchNorm layer to the mixture of its statistics and those of new images, in place.

    No labels are used. While the images pass, each layer already normalises by the mixture (Schneider 2020,
    arXiv:2006.16971, sec. 2), so no layer is set for inputs that it will not see. Weights, modes and the layers in
    `model.frozen_modules` stay as they are. It assumes that both cameras see the classes in similar shares: where they
    do not, it takes the difference of the classes for one of the cameras, and harms.

    Args:
        model: the copy to change.
        batches: images (B, C, H, W) in random order, as for `collect_statistics`.
        count: images that the batches hold in all.
        prior: N of `mix_statistics`.
        minimum: fewer images are refused.
        reference: `collect_statistics(model, old_pictures, adapted=False)`. Needed where the backbone was frozen while
            the head learned: its statistics are then those of the pretraining, not of the old camera, and the head
            expects what they make of the old camera (see `activations.align_statistics`). None takes the stored
            statistics for those of the old camera, which is right after full fine-tuning only.

    Returns:
        the statistics of the new images alone, for `statistics_distance`.

    Raises:
        ModelError: nothing to re-estimate.
        DataError: too few images, other than `count`, or activations that are not finite.
    """
    _require_open_layer(model)
    if count < minimum:
        raise DataError(
            f"BatchNorm re-estimation: got {count} images of the new camera; it needs at least {minimum}, because "
            "the mean and variance of fewer are mostly chance. Add images; they need no labels."
        )
    source = current_statistics(model)
    new, seen = watch_pictures(model, batches, source_share=_source_share(count, prior), reference=reference)
    if seen != count:
        raise DataError(f"BatchNorm re-estimation: the batches held {seen} images, but {count} were announced.")
    target = new if reference is None else _aligned(source, new, reference)
    set_statistics(model, mix_statistics(source, target, count=count, prior=prior))
    return new


def set_statistics(model: nn.Module, statistics: Mapping[str, Pair]) -> None:
    """Write statistics into the BatchNorm layers in place; layers in `model.frozen_modules` keep theirs."""
    frozen = frozen_ids(model)
    for name, layer in batchnorm_layers(model):
        if name in statistics and id(layer) not in frozen:
            write_statistics(layer, *statistics[name])


def statistics_distance(source: Mapping[str, Pair], new: Mapping[str, Pair]) -> dict[str, Any]:
    """Measure how far two sets of statistics lie apart, in standard deviations.

    For each channel, the 2-Wasserstein distance between the two Gaussians, `sqrt((m1 - m2)^2 + (s1 - s2)^2)`, divided
    by the root mean square of s1 and s2; then averaged over channels. Schneider 2020 (arXiv:2006.16971) relates a
    normalised Wasserstein distance to the loss of accuracy; dividing by both cameras makes ours symmetric.

    Returns:
        `{"mean": over layers, "layers": [{"name", "distance"}]}` in the order of the model; 0 is no shift, and at 1
        the means differ by a whole standard deviation.

    Raises:
        ModelError: no layer is in both.
    """
    layers = [
        {"name": name, "distance": float(_channel_distance(pair, new[name]).mean())}
        for name, pair in source.items()
        if name in new
    ]
    if not layers:
        raise ModelError("BatchNorm distance: the two sets of statistics share no layer; use the same network twice.")
    return {"mean": sum(layer["distance"] for layer in layers) / len(layers), "layers": layers}  # type: ignore[misc]


def _aligned(source: Statistics, new: Statistics, reference: Mapping[str, Pair]) -> Statistics:
    missing = sorted(new.keys() - reference.keys())
    if missing:
        raise ModelError(
            f"BatchNorm re-estimation: the statistics of the old camera lack the layers {missing[:3]}; collect them "
            "from the same model."
        )
    return {name: align_statistics(source[name], pair, reference[name]) for name, pair in new.items()}


def _channel_distance(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> Tensor:
    (mean, variance), (other_mean, other_variance) = [
        [each.double().cpu() for each in pair] for pair in (first, second)
    ]
    squared = (mean - other_mean).square() + (variance.sqrt() - other_variance.sqrt()).square()
    return (squared / ((variance + other_variance) / 2 + VARIANCE_FLOOR)).sqrt()


def _require_layers(model: nn.Module) -> None:
    if not has_batchnorm(model):
        raise ModelError(
            "This model has no BatchNorm: re-estimation does nothing for a ViT, a Swin, a ConvNeXt or any other "
            "network of LayerNorm or GroupNorm, which store no statistics. Label a few images, or take a backbone "
            "with BatchNorm such as resnet18."
        )


def _require_open_layer(model: nn.Module) -> None:
    _require_layers(model)
    layers, frozen = batchnorm_layers(model), frozen_ids(model)
    if all(id(layer) in frozen for _, layer in layers):
        raise ModelError(
            f"All {len(layers)} BatchNorm layers of this model are frozen: re-estimation would change nothing. "
            "Unfreeze a group that holds some."
        )


def _source_share(count: int, prior: float) -> float:
    if count < 1 or not prior >= 0:
        raise DataError(f"BatchNorm statistics: got {count} images and prior {prior}; allowed are >= 1 and >= 0.")
    return 1 - count / (prior + count)  # in this form an infinite prior gives 1
