"""The choice of alpha, the recommendation on val and the gate on held-out images, both ways."""

from __future__ import annotations

import json

import pytest

from vision_ft.adaptation.decide import (
    AlphaPoint,
    CameraScore,
    CandidateScores,
    Decision,
    choose_alpha,
    recommend,
    score_from,
)
from vision_ft.adaptation.gate import settle, verify
from vision_ft.evaluate.comparing.paired import Difference

NAN = float("nan")


def score(accuracy: float, *, loss: float = 0.5, n: int = 200, macro_f1: float | None = None) -> CameraScore:
    return CameraScore(n, {"accuracy": accuracy, "macro_f1": accuracy if macro_f1 is None else macro_f1}, loss)


def candidate(name: str, old: CameraScore | None, new: CameraScore | None) -> CandidateScores:
    return CandidateScores(name, name.capitalize(), old, new)


SOURCE = candidate("source", score(0.95), score(0.70, loss=1.0))


def sweep(*rows: tuple[float, float, float], loss: float = 0.5) -> list[AlphaPoint]:
    return [AlphaPoint(alpha, score(old), score(new, loss=loss)) for alpha, old, new in rows]


def passed_decision() -> Decision:
    return recommend([SOURCE, candidate("full", score(0.945), score(0.85))], limit=0.01)


# alpha


def test_alpha_is_the_best_on_the_new_camera_within_the_limit():
    choice = choose_alpha(sweep((0, 0.95, 0.7), (0.25, 0.95, 0.8), (0.5, 0.94, 0.85), (1, 0.90, 0.9)), limit=0.01)
    assert choice.alpha == 0.5
    assert choice.allowed == {0: True, 0.25: True, 0.5: True, 1: False}


def test_a_loss_of_exactly_the_limit_is_allowed():
    assert 0.95 - 0.94 > 0.01  # in floating point
    assert choose_alpha(sweep((0, 0.95, 0.7), (1, 0.94, 0.9)), limit=0.01).alpha == 1


def test_alpha_stays_at_the_source_when_every_mixture_forgets_too_much():
    choice = choose_alpha(sweep((0, 0.95, 0.7), (0.5, 0.90, 0.9), (1, 0.80, 0.95)), limit=0.01)
    assert choice.alpha == 0
    assert choice.note == "No mixture within the limit is better than the source on the new camera's val images."


def test_a_larger_limit_allows_a_larger_alpha():
    rows = sweep((0, 0.95, 0.7), (0.5, 0.93, 0.8), (1, 0.85, 0.9))
    assert [choose_alpha(rows, limit=limit).alpha for limit in (0.0, 0.02, 0.1)] == [0, 0.5, 1]


def test_equal_accuracies_are_decided_by_the_log_loss_and_near_losses_by_the_smaller_alpha():
    points = [
        AlphaPoint(0.0, score(0.95), score(0.7, loss=0.9)),
        AlphaPoint(0.25, score(0.95), score(0.9, loss=0.60)),
        AlphaPoint(0.5, score(0.95), score(0.9, loss=0.305)),
        AlphaPoint(0.75, score(0.95), score(0.9, loss=0.300)),
        AlphaPoint(1.0, score(0.95), score(0.9, loss=0.50)),
    ]
    assert choose_alpha(points, limit=0.01).alpha == 0.5
    assert choose_alpha(points[::-1], limit=0.01).alpha == 0.5, "the order of the points does not matter"


def test_without_old_pictures_the_best_on_the_new_camera_is_taken_and_the_note_says_so():
    points = [AlphaPoint(alpha, None, score(new)) for alpha, new in ((0, 0.7), (0.5, 0.8), (1, 0.9))]
    choice = choose_alpha(points, limit=0.01)
    assert choice.alpha == 1
    assert "There are no old images" in choice.note


def test_without_new_val_pictures_alpha_is_a_half_or_less_if_that_forgets():
    points = [AlphaPoint(alpha, score(old), None) for alpha, old in ((0, 0.95), (0.25, 0.95), (0.5, 0.95), (1, 0.95))]
    assert choose_alpha(points, limit=0.01).alpha == 0.5
    points[2] = AlphaPoint(0.5, score(0.9), None)
    choice = choose_alpha(points, limit=0.01)
    assert choice.alpha == 0.25
    assert "alpha 0.25 was not chosen on any" in choice.note


def test_the_metric_decides_which_alpha_wins():
    points = [
        AlphaPoint(0.0, score(0.95), score(0.7)),
        AlphaPoint(0.5, score(0.95), score(0.8, macro_f1=0.9)),
        AlphaPoint(1.0, score(0.95), score(0.9, macro_f1=0.6)),
    ]
    assert choose_alpha(points, limit=0.01).alpha == 1
    assert choose_alpha(points, limit=0.01, metric="macro_f1").alpha == 0.5


# recommendation on val


def test_the_best_candidate_within_the_limit_is_recommended_over_a_better_one_that_forgets():
    decision = recommend(
        [SOURCE, candidate("head", score(0.945), score(0.8)), candidate("full", score(0.90), score(0.9))], limit=0.01
    )
    assert (decision.recommended, decision.passed, decision.exit_code) == ("head", True, 0)
    assert decision.sentence == (
        "Head is recommended: on val its accuracy on the new camera gains 10.0 points, on the old camera it loses "
        "0.5 points; a loss of 1.0 is allowed."
    )
    assert decision.reasons == (
        "Head: on val the new camera gains 10.0 points, and the old camera loses 0.5 points.",
        "Full: on val the new camera gains 20.0 points, but the old camera loses 5.0 points: more than the limit "
        "of 1.0.",
    )
    assert decision.allowed == {"source": True, "head": True, "full": False}
    assert decision.val_change["full"] == pytest.approx((-0.05, 0.2))


def test_no_candidate_within_the_limit_keeps_the_source_and_exits_3():
    decision = recommend(
        [SOURCE, candidate("head", score(0.92), score(0.8)), candidate("full", score(0.90), score(0.9))], limit=0.01
    )
    assert (decision.recommended, decision.passed, decision.exit_code) == ("source", False, 3)
    assert decision.sentence == (
        "Not passed: every candidate that gains on the new camera loses more than 1.0 points on the old one. The "
        "mildest, Head, gains 10.0 and loses 3.0. The source model stays."
    )


def test_a_candidate_that_gains_on_nothing_keeps_the_source():
    decision = recommend([SOURCE, candidate("batchnorm", score(0.95), score(0.6))], limit=0.01)
    assert (decision.recommended, decision.exit_code) == ("source", 3)
    assert "no candidate has a better accuracy on the new camera's val images" in decision.sentence


def test_a_source_that_makes_no_mistake_on_the_new_camera_is_said_to_leave_nothing_to_gain():
    decision = recommend(
        [candidate("source", score(0.95), score(1.0)), candidate("head", score(0.95), score(1.0))], limit=0.01
    )
    assert decision.exit_code == 3
    assert "is 100% already, so nothing can be gained" in decision.sentence


def test_the_source_alone_is_no_pass():
    assert "no candidate could be made" in recommend([SOURCE], limit=0.01).sentence


@pytest.mark.parametrize("missing", [None, CameraScore(0, {"accuracy": NAN, "macro_f1": NAN})])
def test_without_new_labels_the_source_stays_and_the_sentence_says_how_many_to_label(missing):
    decision = recommend(
        [candidate("source", score(0.95), missing), candidate("batchnorm", score(0.95), missing)], limit=0.01, labels=40
    )
    assert (decision.recommended, decision.exit_code) == ("source", 3)
    assert decision.sentence == (
        "Not passed: no labelled image of the new camera is left to choose on, so no gain can be measured and the "
        "source model stays. Label about 40 of its images and run this again; to_label.csv lists which."
    )
    assert decision.val_change["batchnorm"] == (0.0, None)


def test_without_old_pictures_the_gain_decides_and_the_unknown_loss_is_said():
    decision = recommend([candidate("source", None, score(0.7)), candidate("full", None, score(0.9))], limit=0.01)
    assert (decision.recommended, decision.passed) == ("full", True)
    assert decision.sentence.endswith("What it loses on the old camera was not measured.")
    assert decision.reasons[0] == (
        "There are no labelled val images of the old camera: what a candidate forgets could not be judged."
    )


def test_a_candidate_whose_old_score_is_missing_is_left_out_where_the_source_has_one():
    decision = recommend([SOURCE, candidate("full", None, score(0.9))], limit=0.01)
    assert decision.recommended == "source"
    assert not decision.allowed["full"]
    assert "Full: on val the new camera gains 20.0 points, but the old camera was not measured: it is left out." in (
        decision.reasons
    )


def test_a_diverged_candidate_is_never_recommended():
    decision = recommend([SOURCE, candidate("full", score(NAN), score(NAN, loss=NAN))], limit=0.01)
    assert (decision.recommended, decision.allowed["full"]) == ("source", False)


def test_equal_candidates_go_to_the_lower_loss_then_to_the_earlier_one():
    tied = [
        candidate("head", score(0.95), score(0.9, loss=0.6)),
        candidate("gradual", score(0.95), score(0.9, loss=0.305)),
        candidate("full", score(0.95), score(0.9, loss=0.300)),
    ]
    assert recommend([SOURCE, *tied], limit=0.01).recommended == "gradual"
    assert recommend([SOURCE, *tied[::-1]], limit=0.01).recommended == "full"


def test_a_lower_loss_alone_is_enough_on_a_small_val_only():
    def choose(n: int) -> Decision:
        pair = [score(0.8, loss=0.9, n=n), score(0.8, loss=0.4, n=n)]
        return recommend(
            [candidate("source", score(0.95), pair[0]), candidate("head", score(0.95), pair[1])], limit=0.01
        )

    assert choose(200).recommended == "source"
    small = choose(10)
    assert small.recommended == "head"
    assert "on the new camera stays the same with a lower log loss" in small.sentence
    assert (
        "The new camera has 10 val images: one image is 10.0 points, so equal scores are decided by the log loss."
        in small.reasons
    )


def test_a_limit_finer_than_one_old_picture_is_said():
    few = [candidate("source", score(0.9, n=50), score(0.7)), candidate("head", score(0.9, n=50), score(0.8))]
    assert (
        "The old camera has 50 val images: one mistake more is 2.0 points, "
        "so the limit of 1.0 allows none in accuracy." in recommend(few, limit=0.01).reasons
    )
    assert not any("allows none" in reason for reason in recommend(few, limit=0.02).reasons)


# the gate on held-out images


def test_held_out_pictures_confirm_a_choice():
    decision = verify(passed_decision(), old=Difference(-0.004, -0.012, 0.003), new=Difference(0.11, 0.06, 0.16))
    assert (decision.recommended, decision.passed, decision.exit_code) == ("full", True, 0)
    assert decision.sentence == (
        "Full is recommended: on held-out images accuracy on the new camera changes by +11.0 points (+6.0 to +16.0), "
        "on the old camera by -0.4 points (-1.2 to +0.3); a loss of 1.0 is allowed."
    )
    assert decision.reasons[0].startswith("Full is recommended: on val")


def test_a_loss_beyond_the_limit_on_held_out_pictures_is_a_veto():
    decision = verify(passed_decision(), old=Difference(-0.021, -0.03, -0.012), new=Difference(0.11, 0.06, 0.16))
    assert (decision.recommended, decision.title, decision.exit_code) == ("source", "Source model", 3)
    assert decision.sentence == (
        "Not passed: Full, chosen on val, changes the old camera by -2.1 points (-3.0 to -1.2) on held-out images, "
        "where a loss of 1.0 is allowed. The source model stays."
    )


@pytest.mark.parametrize("value", [0.0, -0.05])
def test_no_gain_on_held_out_pictures_is_a_veto(value):
    decision = verify(passed_decision(), old=Difference(0.0, 0.0, 0.0), new=Difference(value, -0.1, 0.1))
    assert decision.exit_code == 3
    assert "gains nothing on held-out images of the new camera" in decision.sentence


def test_both_vetoes_are_said_in_one_sentence():
    decision = verify(passed_decision(), old=Difference(-0.1, -0.2, -0.05), new=Difference(-0.1, -0.2, 0.0))
    assert "where a loss of 1.0 is allowed and gains nothing on held-out images" in decision.sentence


def test_a_loss_of_exactly_the_limit_is_no_veto_on_held_out_pictures():
    assert verify(passed_decision(), old=Difference(0.94 - 0.95, -0.02, 0.0), new=Difference(0.1, 0.0, 0.2)).passed


def test_missing_held_out_pictures_leave_the_decision_of_val_and_say_so():
    decision = verify(passed_decision(), old=Difference(NAN, NAN, NAN), new=None)
    assert decision.passed
    assert decision.reasons[0] == ("No labelled image of the new camera is held out: the gain on val is not confirmed.")
    gained = verify(passed_decision(), old=None, new=Difference(0.1, 0.0, 0.2))
    assert gained.passed
    assert gained.sentence.endswith("What it loses on the old camera was not measured.")
    assert not verify(passed_decision(), old=Difference(-0.1, -0.2, 0.0), new=None).passed


def test_a_decision_that_was_not_passed_cannot_be_verified_into_a_pass():
    refused = recommend([SOURCE], limit=0.01)
    assert verify(refused, old=Difference(0.1, 0.1, 0.1), new=Difference(0.1, 0.1, 0.1)) is refused


def test_the_entry_for_adaptation_json_holds_all_keys():
    entry = json.loads(json.dumps(passed_decision().to_json()))
    assert set(entry) == {"recommended", "passed", "exit_code", "metric", "limit", "sentence", "reasons"}
    assert (entry["recommended"], entry["exit_code"], entry["limit"]) == ("full", 0, 0.01)


def test_scores_are_read_from_their_json_entry():
    entry = {"n": 10, "accuracy": 0.5, "accuracy_interval": [0.2, 0.8], "macro_f1": 0.4, "loss": 0.7}
    assert score_from(entry) == CameraScore(10, {"accuracy": 0.5, "macro_f1": 0.4}, 0.7)
    assert score_from(None) is None
    assert score_from({"n": 0, "accuracy": None}) is None
    without_loss = score_from({"n": 10, "accuracy": 0.5, "macro_f1": 0.4, "loss": None})
    assert without_loss is not None
    assert without_loss.loss != without_loss.loss


# going down the order of val


def held_out(old: float, new: float) -> tuple[Difference, Difference]:
    return Difference(old, old - 0.02, old + 0.02), Difference(new, new - 0.05, new + 0.05)


ORDERED = [
    SOURCE,
    candidate("head", score(0.95), score(0.80)),
    candidate("full", score(0.945), score(0.85)),
    candidate("surgical", score(0.945), score(0.90)),
]


def test_the_next_by_val_is_taken_when_held_out_pictures_speak_against_the_first():
    tests = {"surgical": held_out(-0.03, 0.2), "full": held_out(0.0, 0.1), "head": held_out(0.0, 0.3)}
    decision = settle(ORDERED, tests, limit=0.01)
    assert (decision.recommended, decision.passed, decision.exit_code) == ("full", True, 0)
    assert decision.reasons[0].startswith("Surgical, chosen on val, changes the old camera by -3.0 points")
    assert "2 candidates were checked on held-out images" in decision.reasons[1]
    assert set(decision.allowed) == {"source", "head", "full", "surgical"}


def test_the_first_that_holds_is_taken_even_where_a_later_one_tests_better():
    tests = {"surgical": held_out(0.0, 0.05), "full": held_out(0.0, 0.1), "head": held_out(0.0, 0.3)}
    decision = settle(ORDERED, tests, limit=0.01)
    assert decision.recommended == "surgical"
    assert not any("were checked" in reason for reason in decision.reasons)


def test_the_source_stays_when_held_out_pictures_speak_against_all():
    tests = {"surgical": held_out(-0.03, 0.2), "full": held_out(-0.02, 0.2), "head": held_out(0.0, 0.0)}
    decision = settle(ORDERED, tests, limit=0.01)
    assert (decision.recommended, decision.passed, decision.exit_code) == ("source", False, 3)
    for title in ("Surgical", "Full", "Head"):
        assert f"{title}, chosen on val" in decision.sentence
    assert decision.sentence.endswith("The source model stays.")


def test_nothing_is_verified_where_val_refuses_all():
    refused = [SOURCE, candidate("full", score(0.80), score(0.99))]
    assert settle(refused, {}, limit=0.01) == recommend(refused, limit=0.01)
