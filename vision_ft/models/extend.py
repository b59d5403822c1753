"""Give a trained classifier further classes without changing what it says about those it knows."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from vision_ft.errors import ModelError
from vision_ft.models.assemble import Classifier, build_model
from vision_ft.types import ClassSpace

UNTRAINED_SHARE = 0.01  # all new classes together get at most this share of the best known class's probability


def extend_classes(model: Classifier, classes: ClassSpace, added: Sequence[str]) -> tuple[Classifier, ClassSpace]:
    """Return a copy of a model with further classes after the known ones; the given model is left as it was.

    The backbone and the head's rows of known classes are the same bit for bit.

    A new row must not be predicted before it has learned, and yet be able to learn. A bias of minus infinity would do
    the first alone: gradients of usual size would never bring it back. So, for heads that end in a linear layer, a
    new row is the mean of the known rows, and its bias the mean bias less a margin. Its logit is then the mean of the
    known logits less the margin: for no picture can it be the largest, and all new classes together get at most 1% of
    the best class's probability.

    A cosine head has no bias. There a new row points away from the mean direction of the known ones. It is not
    predicted for a picture whose cosines to the known classes are positive on average.

    Args:
        model: a classifier with a head of `HEADS`.
        classes: the names of its outputs.
        added: names of the new classes, in the order in which they are appended; none gives a plain copy.

    Raises:
        ModelError: a name is known already or given twice, the names do not fit the outputs, or the head's kind cannot
            be extended.
    """
    _check_names(model, classes, added)
    extend = _EXTEND.get(model.head_name)
    if extend is None:
        raise ModelError(f"head {model.head_name!r} cannot take further classes; heads that can: {list(_EXTEND)}.")
    names = (*classes.names, *added)
    extended = build_model(copy.deepcopy(model.backbone), model.head_name, len(names), dropout=model.dropout)
    if not isinstance(extended, Classifier):
        raise ModelError(f"head {model.head_name!r} answers with masks or boxes and cannot take further classes.")
    state = extend(model.head.state_dict(), len(added))
    extended.head.to(next(model.head.parameters()).device).load_state_dict(state)
    extended.train(model.training)
    return extended, ClassSpace(names)


def _check_names(model: Classifier, classes: ClassSpace, added: Sequence[str]) -> None:
    if len(classes) != model.num_classes:
        raise ModelError(f"the model has {model.num_classes} outputs, but {len(classes)} classes were given.")
    known = sorted(set(added) & set(classes.names))
    if known:
        raise ModelError(f"new classes: {known} are classes of the model already; it knows {list(classes.names)}.")
    twice = sorted({name for name in added if list(added).count(name) > 1})
    if twice:
        raise ModelError(f"new classes: {twice} are given more than once in {list(added)}.")


def _extend_linear(weight: Tensor, bias: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Append rows to weight (K, D) and bias (K,)."""
    if not count:
        return weight, bias
    margin = math.log(count / UNTRAINED_SHARE)
    new_weight = weight.mean(dim=0, keepdim=True).expand(count, -1)
    new_bias = (bias.mean() - margin).expand(count)
    return torch.cat([weight, new_weight]), torch.cat([bias, new_bias])


def _extend_last_layer(prefix: str) -> Callable[[dict[str, Tensor], int], dict[str, Tensor]]:
    def extend(state: dict[str, Tensor], count: int) -> dict[str, Tensor]:
        weight, bias = _extend_linear(state[f"{prefix}weight"], state[f"{prefix}bias"], count)
        return {**state, f"{prefix}weight": weight, f"{prefix}bias": bias}

    return extend


def _extend_cosine(state: dict[str, Tensor], count: int) -> dict[str, Tensor]:
    weight = state["weight"]
    mean = F.normalize(weight, dim=1).mean(dim=0)
    if mean.norm() < 1e-3:  # directions that cancel have no mean to point away from; take one that none of them has
        mean = torch.linalg.svd(weight, full_matrices=True).Vh[-1]
    # As long as the known rows: a gradient turns a long row more slowly than a short one.
    row = -F.normalize(mean, dim=0) * weight.norm(dim=1).mean()
    return {**state, "weight": torch.cat([weight, row.expand(count, -1)])}


_EXTEND: dict[str, Callable[[dict[str, Tensor], int], dict[str, Tensor]]] = {
    "linear": _extend_last_layer(""),
    "mlp": _extend_last_layer("output."),
    "cosine": _extend_cosine,
}
