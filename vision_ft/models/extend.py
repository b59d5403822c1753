"""Give a trained model further classes without changing what it says about those it knows."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from vision_ft.errors import ModelError
from vision_ft.models.assemble import COLUMNS, VisionModel, build_model
from vision_ft.models.heads import HEADS
from vision_ft.types import ClassSpace


def extend_classes(model: VisionModel, classes: ClassSpace, added: Sequence[str]) -> tuple[VisionModel, ClassSpace]:
    """Return a copy of a model with further classes after the known ones; the given model is left as it was.

    The backbone and the head's rows of known classes are the same bit for bit.

    A new row must not be predicted before it has learned, and yet be able to learn. A bias of minus infinity would do
    the first alone: gradients of usual size would never bring it back. So, for heads that end in a linear layer, a
    new row is the mean of the known rows, and its bias the mean bias less a margin. Its logit is then the mean of the
    known logits less the margin: for no image can it be the largest, and all new classes together get at most 1% of
    the best class's probability.

    A cosine head has no bias. There a new row points away from the mean direction of the known ones. It is not
    predicted for an image whose cosines to the known classes are positive on average.

    Args:
        model: with a head of `HEADS`.
        classes: the names of its outputs.
        added: names of the new classes, in the order in which they are appended; none gives a plain copy.

    Raises:
        ModelError: a name is known already or given twice, the names do not fit the outputs, or the head's kind cannot
            be extended.
    """
    _check_names(model, classes, added)
    if not added:
        return copy.deepcopy(model), classes
    spec = HEADS.get(model.head_name)
    extend = None if spec is None else spec.extend
    if extend is None:
        able = [name for name, one in HEADS.items() if one.extend is not None]
        raise ModelError(f"head {model.head_name!r} cannot take further classes; heads that can: {able}.")
    if COLUMNS in model.head_args:
        raise ModelError(f"a model of label columns cannot take further classes: {list(added)} belong to no column.")
    names = (*classes.names, *added)
    extended = build_model(copy.deepcopy(model.backbone), model.head_name, len(names), dropout=model.dropout)
    state = extend(model.head.state_dict(), len(added))
    extended.head.to(next(model.head.parameters()).device).load_state_dict(state)
    extended.train(model.training)
    return extended, ClassSpace(names)


def _check_names(model: VisionModel, classes: ClassSpace, added: Sequence[str]) -> None:
    if len(classes) != model.num_classes:
        raise ModelError(f"the model has {model.num_classes} outputs, but {len(classes)} classes were given.")
    known = sorted(set(added) & set(classes.names))
    if known:
        raise ModelError(f"new classes: {known} are classes of the model already; it knows {list(classes.names)}.")
    twice = sorted({name for name in added if list(added).count(name) > 1})
    if twice:
        raise ModelError(f"new classes: {twice} are given more than once in {list(added)}.")
