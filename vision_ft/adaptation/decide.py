"""Choose the model for a new camera under a limit of forgetting, then verify the choice on held-out images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from vision_ft.adaptation import decide_words as words

Item = TypeVar("Item")

SOURCE = "source"  # the name of the candidate that changes nothing
SOURCE_TITLE = "Source model"
EXIT_PASSED, EXIT_NOT_PASSED = 0, 3
SMALL_VAL = 100  # below, one image moves accuracy by more than a point, so equal accuracies are common
LOSS_TIE = 0.01  # nats; log losses nearer than this do not tell two models apart
LABELS_TO_START = 50  # asked for when nothing can be measured: 40 to train on and 10 to choose on
WITHOUT_CHOICE_ALPHA = 0.5  # recommended where nothing chooses it (Wortsman 2022, arXiv:2109.01903, sec. 3)
ROUNDING = 1e-9  # 0.95 - 0.94 exceeds 0.01 in floating point


@dataclass(frozen=True)
class CameraScore:
    """What a model scores on the labelled images of one camera.

    Attributes:
        n: labelled images.
        values: metric of the task -> its value, NaN where it is not defined.
        loss: mean log loss in nats; NaN where it is not known.
    """

    n: int
    values: Mapping[str, float]
    loss: float = float("nan")

    def value(self, metric: str) -> float:
        """The score that the decision is made on."""
        return self.values[metric]


@dataclass(frozen=True)
class AlphaPoint:
    """Val scores of the mixture `(1 - alpha) * source + alpha * tuned`; None without images of that camera."""

    alpha: float
    old: CameraScore | None
    new: CameraScore | None


@dataclass(frozen=True)
class AlphaChoice:
    """The outcome of a sweep.

    Attributes:
        alpha: chosen share of the tuned weights; 0 is the source model.
        allowed: alpha -> whether its loss on the old camera is within the limit.
        note: a sentence on what decided, "" where the best on the new camera was simply taken.
    """

    alpha: float
    allowed: Mapping[float, bool]
    note: str


@dataclass(frozen=True)
class CandidateScores:
    """Val scores of one candidate, both cameras; None without labelled images of that camera in val."""

    name: str
    title: str
    val_old: CameraScore | None
    val_new: CameraScore | None


@dataclass(frozen=True)
class Decision:
    """What to use on the new camera, and why.

    Attributes:
        recommended: name of a candidate; "source" when the gate is not passed.
        title: that candidate's title.
        passed: whether a model other than the source's is recommended.
        metric: the score it was decided on.
        limit: largest loss allowed on the old camera, as a fraction.
        sentence: the sentence for an operator.
        reasons: further sentences: each candidate's outcome, and what could not be judged.
        allowed: candidate name -> whether val shows it within the limit.
        val_change: candidate name -> change against the source on val, (old, new); None where not measured.
    """

    recommended: str
    title: str
    passed: bool
    metric: str
    limit: float
    sentence: str
    reasons: tuple[str, ...] = ()
    allowed: Mapping[str, bool] = field(default_factory=dict)
    val_change: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 when passed, 3 when the source model stays."""
        return EXIT_PASSED if self.passed else EXIT_NOT_PASSED

    def to_json(self) -> dict[str, Any]:
        """The entry "decision" of adaptation.json."""
        names = ("recommended", "passed", "metric", "limit", "sentence")
        entry: dict[str, Any] = {name: getattr(self, name) for name in names}
        return entry | {"exit_code": self.exit_code, "reasons": list(self.reasons)}


def choose_alpha(points: Sequence[AlphaPoint], *, limit: float, metric: str = "accuracy") -> AlphaChoice:
    """Choose the mixture that is best on the new camera among those that lose at most `limit` on the old one.

    Robust fine-tuning by weight interpolation (Wortsman 2022, arXiv:2109.01903, sec. 3); the paper fixes alpha or
    chooses it on one set, here the old camera limits and the new camera chooses. Equal scores go to the lower log
    loss; losses within LOSS_TIE of the lowest to the smallest alpha, which is nearest to the source.

    Args:
        points: the sweep on val; must hold alpha 0, the source model, which the loss is measured against.
        limit: largest loss allowed on the old camera, as a fraction.
        metric: the score.
    """
    ordered = sorted(points, key=lambda point: point.alpha)
    start = ordered[0]
    assert start.alpha == 0.0, "a sweep starts at alpha 0, the source model"
    allowed = {point.alpha: _within(_change(start.old, point.old, metric), limit) for point in ordered}
    usable = [point for point in ordered if allowed[point.alpha]]
    note = "" if _count(start.old) else "There are no old images, so the limit did not restrict the mixture."
    if not _count(start.new):
        middle = max(point.alpha for point in usable if point.alpha <= WITHOUT_CHOICE_ALPHA)
        return AlphaChoice(
            middle, allowed, f"No labelled val image of the new camera: alpha {middle:g} was not chosen on any."
        )
    best = _first_best(usable, lambda point: point.new, metric)
    if best.alpha == 0.0:
        note = "No mixture within the limit is better than the source on the new camera's val images."
    return AlphaChoice(best.alpha, allowed, note)


def recommend(
    candidates: Sequence[CandidateScores], *, limit: float, metric: str = "accuracy", labels: int = LABELS_TO_START
) -> Decision:
    """Recommend one candidate on val: the best on the new camera that loses at most `limit` on the old one.

    Equal scores go to the lower log loss, then to the earlier candidate. A candidate that only equals the source's
    score is recommended for its lower log loss where val has fewer than SMALL_VAL images (equal scores say little
    there), never where it has more.

    Args:
        candidates: cheapest first; one is named "source".
        limit: largest loss allowed on the old camera, as a fraction.
        metric: the score that decides.
        labels: how many images to label is advised where nothing can be measured.
    """
    source = next(candidate for candidate in candidates if candidate.name == SOURCE)
    others = [candidate for candidate in candidates if candidate.name != SOURCE]
    changes = {
        candidate.name: (
            _change(source.val_old, candidate.val_old, metric),
            _change(source.val_new, candidate.val_new, metric),
        )
        for candidate in candidates
    }
    allowed = {candidate.name: _allowed(source, candidate, limit=limit, metric=metric) for candidate in candidates}
    caveats = words.caveats(
        old_pictures=_count(source.val_old),
        new_pictures=_count(source.val_new),
        limit=limit,
        small=SMALL_VAL,
        metric=metric,
    )
    outcomes = [
        words.outcome(item.title, *changes[item.name], limit=limit, allowed=allowed[item.name]) for item in others
    ]
    stays = Decision(SOURCE, source.title, False, metric, limit, "", (*caveats, *outcomes), allowed, changes)
    if not _count(source.val_new):
        return replace(stays, sentence=words.unmeasured(labels))
    gaining = [item for item in others if _is_better(item.val_new, source.val_new, metric)]
    usable = [item for item in gaining if allowed[item.name]]
    if not usable:
        return replace(stays, sentence=_refusal(source, gaining, stays, tried=bool(others)))
    best = _first_best(usable, lambda item: item.val_new, metric)
    sentence = words.val_sentence(best.title, *changes[best.name], limit=limit, metric=metric)
    return replace(stays, recommended=best.name, title=best.title, passed=True, sentence=sentence)


def _refusal(source: CandidateScores, gaining: Sequence[CandidateScores], decision: Decision, *, tried: bool) -> str:
    """Return why no candidate is usable; `gaining` are those that gain, none of which is allowed."""
    measured = [item for item in gaining if decision.val_change[item.name][0] is not None]
    if measured:
        mildest = max(measured, key=lambda item: decision.val_change[item.name][0] or 0.0)
        old, new = decision.val_change[mildest.name]
        return words.blocked(mildest.title, old=old or 0.0, new=new or 0.0, limit=decision.limit)
    perfect = source.val_new is not None and source.val_new.value(decision.metric) == 1.0
    return words.nothing_better(metric=decision.metric, perfect=perfect, tried=tried)


def score_from(entry: Mapping[str, Any] | None) -> CameraScore | None:
    """Read one camera's entry of adaptation.json ({"n", "loss", a value for each metric}); None without images."""
    if not entry or not entry.get("n"):
        return None

    def number(name: str) -> float:
        return float("nan") if entry.get(name) is None else float(entry[name])

    names = [name for name in entry if name not in ("n", "loss") and not name.endswith("_interval")]
    values = {name: number(name) for name in names}
    return CameraScore(int(entry["n"]), values, number("loss"))


def _count(score: CameraScore | None) -> int:
    return 0 if score is None else score.n


def _change(before: CameraScore | None, after: CameraScore | None, metric: str) -> float | None:
    if before is None or after is None or not (before.n and after.n):
        return None
    return after.value(metric) - before.value(metric)


def _within(change: float | None, limit: float) -> bool:
    """Whether a loss is within the limit; one that cannot be measured is not held against a model, a NaN is."""
    return change is None or change >= -limit - ROUNDING


def _allowed(source: CandidateScores, candidate: CandidateScores, *, limit: float, metric: str) -> bool:
    if _count(source.val_old) and not _count(candidate.val_old):
        return False  # it could have been measured and was not: nothing speaks for it
    return _within(_change(source.val_old, candidate.val_old, metric), limit)


def _is_better(score: CameraScore | None, source: CameraScore | None, metric: str) -> bool:
    if score is None or source is None or not score.n:
        return False
    gain = score.value(metric) - source.value(metric)
    if abs(gain) <= ROUNDING:
        return source.n < SMALL_VAL and score.loss < source.loss - LOSS_TIE
    return gain > 0


def _first_best(items: Sequence[Item], score: Callable[[Item], CameraScore | None], metric: str) -> Item:
    """Return the first item whose score is highest and whose log loss is within LOSS_TIE of the lowest among those."""
    scored = [(item, found) for item in items if (found := score(item)) is not None and found.n]
    finite = [pair for pair in scored if np.isfinite(pair[1].value(metric))]
    highest = max(found.value(metric) for _, found in finite)
    top = [pair for pair in finite if pair[1].value(metric) >= highest - ROUNDING]
    lowest = min((found.loss for _, found in top if np.isfinite(found.loss)), default=np.inf)
    return next((item for item, found in top if found.loss <= lowest + LOSS_TIE), top[0][0])
