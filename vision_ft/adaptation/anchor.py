"""L2-SP: a penalty that holds the weights near those of the source model."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from vision_ft.errors import ModelError, RecipeError
from vision_ft.models.stages import HEAD

Penalty = Callable[[nn.Module], Tensor]
# The paper's 0.1 and 0.01 are for plain SGD. AdamW rescales the sum of loss and penalty: with 50 labels (amazon to
# webcam images, ResNet-18, 64 px, one seed) 0.01 and 0.1 changed nothing against 0, while 1.0 held both cameras.
STRENGTH = 1.0
HEAD_STRENGTH = 0.1


def build_anchor(model: nn.Module, *, strength: float = STRENGTH, head_strength: float = HEAD_STRENGTH) -> Penalty:
    """Remember the weights as they are now, and return the penalty for leaving them.

    Li 2018 (arXiv:1802.01483, sec. 3): `strength / 2 * |w - w0|^2` over the backbone, plus the same with
    `head_strength` over the head. In the paper the head is new and decays to zero. Here the head is the source's own,
    so it is held near its own weights too.

    Norms and biases are held as well. Weight decay spares them since zero means nothing to them; their source values
    do mean something. Set `optim.weight_decay` to 0 beside it: decay would pull the same weights towards zero.

    Args:
        model: the source model, or one with its weights; it is copied from, not kept.
        strength: alpha, of the backbone; 0 lets it go.
        head_strength: beta, of the head.

    Returns:
        a function from a model with the same parameters to a scalar with gradients. Frozen parameters cost nothing.

    Raises:
        RecipeError: a strength is negative or not finite.
    """
    for name, value in (("strength", strength), ("head_strength", head_strength)):
        if not 0 <= value < float("inf"):
            raise RecipeError(f"L2-SP {name}: got {value}; allowed: 0 or more.")
    source = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}

    def penalty(tuned: nn.Module) -> Tensor:
        terms: list[Tensor] = []
        for name, parameter in tuned.named_parameters():
            factor = head_strength if name.split(".")[0] == HEAD else strength
            if parameter.requires_grad and factor:
                anchor = _anchor_of(name, parameter, source)
                distance = torch.linalg.vector_norm(parameter - anchor)  # in one pass, whatever the memory layout
                terms.append(0.5 * factor * distance.square())
        return torch.stack(terms).sum() if terms else torch.zeros((), device=_device_of(tuned))

    return penalty


def _anchor_of(name: str, parameter: Tensor, source: dict[str, Tensor]) -> Tensor:
    """Return the source's value of a parameter, moved once to where the model is."""
    anchor = source.get(name)
    if anchor is None or anchor.shape != parameter.shape:
        found = "has none of this name" if anchor is None else f"has it with shape {tuple(anchor.shape)}"
        raise ModelError(
            f"L2-SP: the model trains {name} of shape {tuple(parameter.shape)}, but the source model {found}. Build "
            "the anchor from the source model after its classes were extended."
        )
    if anchor.device != parameter.device:
        anchor = source[name] = anchor.to(parameter.device)
    return anchor


def _device_of(model: nn.Module) -> torch.device:
    first = next(model.parameters(), None)
    return torch.device("cpu") if first is None else first.device
