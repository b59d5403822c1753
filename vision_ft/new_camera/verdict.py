"""From the candidates' scores to the decision: choose on val of both cameras, verify on test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_ft.adaptation.decide import CandidateScores, Decision
from vision_ft.adaptation.gate import settle
from vision_ft.evaluate.comparing.paired import Difference
from vision_ft.evaluate.intervals import plain
from vision_ft.new_camera.candidates import CANDIDATES
from vision_ft.new_camera.material import Job
from vision_ft.new_camera.scoring import Outcome
from vision_ft.wiring.domains import NEW, OLD


@dataclass(frozen=True)
class Verdict:
    """What to use, and why.

    Attributes:
        decision: of `adaptation.decide`.
        recommended: the candidate it names.
        entries: each candidate's entry of adaptation.json, with its change against the source.
    """

    decision: Decision
    recommended: Outcome
    entries: tuple[dict[str, Any], ...]


def decide(job: Job, outcomes: Sequence[Outcome]) -> Verdict:
    """Recommend the best on val that held-out images do not speak against; baselines are shown only."""
    limit, metric = job.recipe.adapt.max_forgetting, job.judge.metric
    source = outcomes[0]
    done = [outcome for outcome in outcomes if outcome.is_done]
    changes = {
        outcome.name: {domain: _change(job, source, outcome, domain) for domain in (OLD, NEW)} for outcome in done
    }
    decision = settle(
        [
            CandidateScores(
                outcome.name,
                outcome.entry["title"],
                val_old=outcome.camera_score("val", OLD),
                val_new=outcome.camera_score("val", NEW),
            )
            for outcome in done
            if not CANDIDATES[outcome.name].is_baseline
        ],
        {name: (change[OLD], change[NEW]) for name, change in changes.items()},
        limit=limit,
        metric=metric,
    )
    entries = [_entry(outcome, decision, source, changes.get(outcome.name), metric) for outcome in outcomes]
    by_name = {outcome.name: outcome for outcome in outcomes}
    return Verdict(decision, by_name[decision.recommended], tuple(entries))


def _change(job: Job, source: Outcome, outcome: Outcome, domain: str) -> Difference | None:
    return job.judge.change(source.predictions["test"], outcome.predictions["test"], domain)


def _entry(
    outcome: Outcome, decision: Decision, source: Outcome, change: dict[str, Difference | None] | None, metric: str
) -> dict[str, Any]:
    if change is None:
        empty = {OLD: None, NEW: None}
        return outcome.entry | {"change": empty, "val_change": empty, "allowed": False}
    val_change = {domain: _val_change(source, outcome, domain, metric) for domain in (OLD, NEW)}
    lost = val_change[OLD]
    allowed = decision.allowed.get(outcome.name, lost is None or lost >= -decision.limit)
    compared = {domain: None if one is None else plain(vars(one)) for domain, one in change.items()}
    return outcome.entry | {"change": compared, "val_change": plain(val_change), "allowed": bool(allowed)}


def _val_change(source: Outcome, outcome: Outcome, domain: str, metric: str) -> float | None:
    before, after = source.entry["val"][domain], outcome.entry["val"][domain]
    if not before or not after or before[metric] is None or after[metric] is None:
        return None
    return float(np.round(after[metric] - before[metric], 9))
