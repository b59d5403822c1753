"""What the report reads out of adaptation.json, in numbers and in words."""

from __future__ import annotations

import pytest

from tests.report.fake_adaptation import adaptation, candidate, little_known
from vision_ft.reporting.collect.adapted import number, read_candidates
from vision_ft.reporting.section import points, points_span


def verdicts(value: dict) -> dict[str, str]:
    return {found.name: found.verdict for found in read_candidates(value)}


def test_changes_are_said_in_points_with_their_direction():
    assert points(0.0213) == "+2.1 points"
    assert points(-0.005) == "−0.5 points"
    assert points(-0.0001) == "0.0 points"
    assert points(0.01, sign=False) == "1.0 points"
    assert points(0.2, unit=False) == "+20.0"
    assert points(None) == "—"
    assert points_span((-0.018, 0.005)) == "−1.8 to +0.5"
    assert points_span((None, 0.1)) == ""


@pytest.mark.parametrize("value", [None, True, "0.5", float("nan"), float("inf"), {}, [1]])
def test_what_is_no_finite_number_is_unknown(value):
    assert number(value) is None


def test_numbers_are_read_plain_or_with_their_interval():
    assert number(0.25) == 0.25
    assert number({"value": 3, "low": 1}) == 3.0


def test_each_candidate_gets_the_verdict_that_the_decision_gave_it():
    assert verdicts(adaptation()) == {
        "source": "Before",
        "batchnorm": "Forgets too much",
        "head": "Within the limit",
        "gradual-unfreeze": "Recommended",
        "full": "Within the limit",
        "plain-full": "Forgets too much",
        "surgical": "Not run",
    }


def test_the_source_model_stays_in_use_when_the_gate_is_not_passed():
    assert verdicts(adaptation(passed=False))["source"] == "Stays in use"


def test_a_choice_that_test_pictures_veto_is_not_called_within_the_limit():
    value = adaptation(passed=False)
    value["candidates"] = [candidate("a", "A", 0.2, -0.0101), candidate("b", "B", 0.2, -0.01), candidate("c", "C", 0.0)]
    assert verdicts(value) == {"a": "Over the limit on test", "b": "Within the limit", "c": "No gain"}


def test_without_test_pictures_validation_tells_that_nothing_was_gained():
    value = adaptation()
    value["candidates"] = [candidate("a", "A", 0.0) | {"change": {"old": None, "new": None}}]
    assert verdicts(value) == {"a": "No gain"}


def test_without_old_pictures_nothing_is_said_to_be_within_the_limit():
    assert verdicts(little_known())["full"] == "Limit not judged"


def test_scores_follow_the_metric_of_the_decision():
    value = adaptation()
    value["decision"]["metric"] = "macro_f1"
    full = next(found for found in read_candidates(value) if found.name == "full")
    assert full.new.value == pytest.approx(0.70 + 0.213 - 0.02)
    assert full.new.ends is None  # the file holds no interval of it


def test_the_source_has_no_change_against_itself():
    value = adaptation()
    value["candidates"][0]["change"] = {"old": {"value": 0.0, "low": 0.0, "high": 0.0}, "new": None}
    assert read_candidates(value)[0].old.change is None
