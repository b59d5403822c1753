"""Verify the candidate chosen on val on held-out test images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from vision_ft.adaptation import decide_words as words
from vision_ft.adaptation.decide import (
    ROUNDING,
    SOURCE,
    SOURCE_TITLE,
    CandidateScores,
    Decision,
    recommend,
)
from vision_ft.evaluate.comparing.paired import Difference

Differences = Mapping[str, tuple[Difference | None, Difference | None]]


def settle(
    candidates: Sequence[CandidateScores], held_out: Differences, *, limit: float, metric: str = "accuracy"
) -> Decision:
    """Recommend on val, verify on held-out images, and go down the order of val until one holds.

    The order is made on val alone, and the first candidate that holds is taken, never the best of several. Still, the
    numbers of one that was not the first choice have been looked at, which the reasons say.

    Args:
        candidates: cheapest first; one is named "source".
        held_out: candidate name -> its difference against the source on held-out images, (old, new); None without.
        limit: largest loss allowed on the old camera, as a fraction.
        metric: the score that decides.
    """
    first = recommend(candidates, limit=limit, metric=metric)
    remaining, decision = list(candidates), first
    objections: list[str] = []
    while decision.passed:
        old, new = held_out[decision.recommended]
        verified = verify(decision, old=old, new=new)
        if verified.passed:
            return _accepted(verified, first, objections)
        objections.append(_objection(decision, old=old, new=new))
        remaining = [candidate for candidate in remaining if candidate.name != decision.recommended]
        decision = recommend(remaining, limit=limit, metric=metric)
    if not objections:
        return first
    sentence = f"Not passed: {'; '.join(objections)}. The source model stays."
    reasons = (first.sentence, *first.reasons)
    return replace(first, recommended=SOURCE, title=SOURCE_TITLE, passed=False, sentence=sentence, reasons=reasons)


def _accepted(verified: Decision, first: Decision, objections: Sequence[str]) -> Decision:
    """Return the decision with what was said of all candidates, and of those that did not hold."""
    if not objections:
        return verified
    note = (
        f"{len(objections) + 1} candidates were checked on held-out images, in the order of val, so the numbers of "
        "this one are slightly too good."
    )
    turned_down = [f"{objection[0].upper()}{objection[1:]}." for objection in objections]
    reasons = (*turned_down, note, *verified.reasons[:1], *first.reasons)
    return replace(verified, reasons=reasons, allowed=first.allowed, val_change=first.val_change)


def verify(decision: Decision, *, old: Difference | None, new: Difference | None) -> Decision:
    """Hold the choice against images that chose nothing: it must gain on the new camera and keep to the limit.

    Args:
        decision: of `recommend`; one that was not passed is returned as it is.
        old: the recommended candidate against the source on held-out images of the old camera; None without any.
        new: the same on the new camera.
    """
    if not decision.passed:
        return decision
    old, new = _measured(old), _measured(new)
    reasons = (decision.sentence, *decision.reasons)
    objection = _objection(decision, old=old, new=new)
    if objection:
        sentence = f"Not passed: {objection}. The source model stays."
        return replace(
            decision, recommended=SOURCE, title=SOURCE_TITLE, passed=False, sentence=sentence, reasons=reasons
        )
    if new is None:
        unverified = "No labelled image of the new camera is held out: the gain on val is not confirmed."
        return replace(decision, reasons=(unverified, *decision.reasons))
    sentence = words.test_sentence(decision.title, old=old, new=new, limit=decision.limit, metric=decision.metric)
    return replace(decision, sentence=sentence, reasons=reasons)


def _measured(difference: Difference | None) -> Difference | None:
    return None if difference is None or np.isnan(difference.value) else difference


def _objection(decision: Decision, *, old: Difference | None, new: Difference | None) -> str:
    """Return what held-out images have against the choice, "" when nothing."""
    against = words.vetoes(old=_measured(old), new=_measured(new), limit=decision.limit, tolerance=ROUNDING)
    said = " and ".join(against)
    return f"{decision.title}, chosen on val, {said}" if said else ""
