import json
import random

import pytest
from scipy.stats import binomtest

from stages.core.errors import InputError
from stages.judging.counting import PairKey
from stages.judging.summary import ALL_TIED, NOT_JUDGED, NOT_READ, summarize
from tests.judging.samples import both_orders, judgement, outcomes

STANDARD = "role - standard"


def summary(judgements, planned=(), pair=STANDARD):
    summaries = summarize(judgements, planned, seed=17)
    json.dumps(summaries, allow_nan=False)
    return summaries["tiny"][pair]


def test_shares_add_up_and_the_win_rate_counts_ties_half():
    pair = summary(outcomes("WWWWWTTLLL"))
    assert (pair["n"], pair["seeds"]) == (10, 1)
    assert [pair[name]["share"] for name in ("win", "tie", "loss")] == [0.5, 0.2, 0.3]
    assert pair["win_rate"] == 0.6
    assert pair["ci_low"] < 0.6 < pair["ci_high"]


def test_what_changes_with_the_order_is_a_tie_and_a_flip():
    pair = summary(outcomes("WFFML"))
    assert pair["tie"]["share"] == 0.6
    assert pair["flips"] == {"count": 3, "rate": 0.6}
    assert pair["win_rate"] == 0.5


def test_a_judge_that_always_takes_the_first_shows_no_preference_and_full_position_bias():
    pair = summary(outcomes("F" * 20))
    assert pair["win_rate"] == 0.5
    assert pair["shown_first"]["share"] == 1.0
    assert pair["shown_first"]["ci_low"] > 0.5
    assert pair["flips"]["rate"] == 1.0
    assert pair["sign_test"]["p"] is None
    assert pair["sign_test"]["reason"] == ALL_TIED


def by_odds(*pairs):
    """Judgements whose log-odds are for the first answer, with the role arm first and with it second."""
    found = []
    for number, (role_first, role_second) in enumerate(pairs):
        for first, odds in (("role", role_first), ("standard", role_second)):
            second = "standard" if first == "role" else "role"
            verdict = first if odds > 0 else second
            found.append(judgement(f"open_ended-{number}", first, second, verdict, odds=odds))
    return found


def test_position_cancels_in_log_odds_of_both_orders():
    pair = summary(by_odds((3.0, 2.0), (2.0, 3.0), (5.0, 5.0)))
    assert [pair["sign_test"][name] for name in ("won", "lost", "tied")] == [1, 1, 1]
    assert pair["win_rate"] == 0.5
    assert pair["flips"]["count"] == 3
    assert pair["strength"] == {
        "unit": "nats",
        "preference": 0.0,
        "order_effect": pytest.approx(20 / 6, abs=1e-6),
        "by_answers": pytest.approx(1 / 3, abs=1e-6),
        "by_order": pytest.approx(20 / 6, abs=1e-6),
        "measured_nothing": True,
    }


def test_a_judge_that_the_answers_move_more_than_their_order_measured_something():
    strength = summary(by_odds((1.0, -2.0), (2.0, -1.0)))["strength"]
    assert (strength["preference"], strength["order_effect"]) == (1.5, 0.0)
    assert strength["measured_nothing"] is False


@pytest.mark.parametrize(("pattern", "nothing"), [("F" * 12, True), ("WWLLTF", False), ("WFFF", True), ("", None)])
def test_a_judge_that_only_replies_measured_nothing_where_the_first_place_decides_more(pattern, nothing):
    strength = summary(outcomes(pattern), [PairKey("tiny", STANDARD)])["strength"]
    assert (strength["unit"], strength["measured_nothing"]) == ("score", nothing)


def test_an_even_judge_has_no_position_bias():
    pair = summary(outcomes("WWLLTW"))
    assert pair["shown_first"]["share"] == 0.5
    assert pair["shown_first"]["ci_low"] < 0.5 < pair["shown_first"]["ci_high"]


def test_the_sign_test_is_the_binomial_one():
    pair = summary(outcomes("W" * 12 + "L" * 3 + "T" * 5 + "F" * 4))
    assert pair["sign_test"]["p"] == pytest.approx(binomtest(12, 15).pvalue, abs=1e-6)
    assert (pair["sign_test"]["won"], pair["sign_test"]["lost"], pair["sign_test"]["tied"]) == (12, 3, 9)
    assert pair["sign_test"]["test"] == "sign_exact"


def test_an_unreadable_verdict_is_counted_and_its_prompt_left_out():
    pair = summary(outcomes("WWLU"))
    assert pair["n"] == 3
    assert pair["unparsed"] == {"count": 1, "rate": 0.125}
    assert pair["win"]["share"] == pytest.approx(2 / 3, abs=1e-6)


def test_nothing_readable_gives_nulls_and_the_reason():
    judgements = both_orders("open_ended-0", None, None) + both_orders("open_ended-1", None, None)
    pair = summary(judgements)
    assert pair["reason"] == NOT_READ
    assert pair["n"] == 0
    assert pair["win_rate"] is pair["win"]["share"] is pair["sign_test"]["p"] is pair["flips"]["rate"] is None
    assert pair["unparsed"] == {"count": 4, "rate": 1.0}
    assert pair["length_controlled"]["reason"] == NOT_READ


def test_a_planned_pair_without_judgements_stands_there_with_its_reason():
    pair = summary([], planned=[PairKey("tiny", STANDARD)])
    assert pair["reason"] == NOT_JUDGED
    assert pair["judge"] is pair["win_rate"] is pair["unparsed"]["rate"] is pair["answers"]["role"]["words"] is None


def test_nothing_planned_and_nothing_judged_is_an_empty_object():
    assert summarize([], [], seed=17) == {}


def test_all_ties_give_no_test_but_an_interval_as_wide_as_ignorance():
    pair = summary(outcomes("T" * 20))
    assert pair["tie"]["share"] == 1.0
    assert pair["sign_test"]["p"] is None
    assert pair["length_controlled"]["win_rate"] is None
    assert pair["ci_low"] < 0.4
    assert pair["ci_high"] > 0.6


def test_all_wins_do_not_get_an_interval_of_no_width():
    pair = summary(outcomes("W" * 20))
    assert pair["ci_low"] < 0.9
    assert pair["sign_test"]["p"] < 0.001


def test_one_prompt_is_enough_not_to_crash():
    pair = summary(outcomes("W"))
    assert pair["win_rate"] == 1.0
    assert pair["sign_test"]["p"] == 1.0


def test_lengths_are_of_whole_answers_and_empty_or_cut_ones_are_counted():
    judgements = both_orders("open_ended-0", "role", "role", words=(120, 0), shown=(80, 0))
    judgements += both_orders("open_ended-1", "role", "role", words=(40, 30))
    pair = summary(judgements)
    assert pair["answers"]["role"] == {"words": 80.0, "empty": 0, "cut": 1}
    assert pair["answers"]["standard"] == {"words": 15.0, "empty": 1, "cut": 0}


def test_pairs_and_models_are_kept_apart_and_the_standard_arm_comes_first():
    judgements = outcomes("LLL", right="base") + outcomes("WWW") + outcomes("TTT", model="other")
    summaries = summarize(judgements, [PairKey("tiny", STANDARD)], seed=17)
    assert list(summaries) == ["tiny", "other"]
    assert list(summaries["tiny"]) == [STANDARD, "role - base"]
    assert summaries["tiny"]["role - base"]["loss"]["share"] == 1.0
    assert set(summaries["tiny"]["role - base"]["answers"]) == {"role", "base"}


def test_several_seeds_are_no_more_prompts_and_their_spread_widens_the_interval():
    one = summary(outcomes("WWWWLL" * 5))
    alike = summary(outcomes("WWWWLL" * 5, seed=1) + outcomes("WWWWLL" * 5, seed=2))
    apart = summary(outcomes("W" * 30, seed=1) + outcomes("WL" * 5 + "L" * 20, seed=2))
    assert (alike["n"], alike["seeds"]) == (30, 2)
    assert one["win_rate"] == alike["win_rate"]
    # Twice the same verdicts are no more knowledge of other prompts.
    assert alike["ci_high"] - alike["ci_low"] > 0.9 * (one["ci_high"] - one["ci_low"])
    assert alike["sign_test"]["test"] == "seeds_and_items_t"
    assert apart["ci_high"] - apart["ci_low"] > alike["ci_high"] - alike["ci_low"]


def test_a_prompt_counts_only_if_it_was_read_under_every_seed():
    pair = summary(outcomes("WWLL", seed=1) + outcomes("WULL", seed=2))
    assert pair["n"] == 3


def test_the_base_model_is_compared_under_each_seed():
    pair = summary(outcomes("WL", right="base", seed=1) + outcomes("WL", right="base", seed=2), pair="role - base")
    assert (pair["n"], pair["seeds"]) == (2, 2)


@pytest.mark.parametrize(
    "judgements",
    [
        both_orders("open_ended-0", "role", "role")[:1],
        [judgement("open_ended-0", "role", "standard", "role")] * 2,
        both_orders("open_ended-0", "role", "role") * 2,
    ],
)
def test_a_comparison_that_was_not_judged_once_in_each_order_is_an_error(judgements):
    with pytest.raises(InputError, match="one judgement in each order"):
        summarize(judgements, [], seed=17)


def test_every_judge_is_named():
    assert summary(outcomes("W", judge="gpt-x"))["judge"] == "gpt-x"


def test_the_same_judgements_give_the_same_numbers_and_the_order_of_lines_is_no_matter():
    judgements = outcomes("WWTLFMUWWL" * 3)
    mixed = judgements[:]
    random.Random(3).shuffle(mixed)
    assert summary(judgements) == summary(judgements)
    assert summary(mixed)["win_rate"] == summary(judgements)["win_rate"]


@pytest.mark.parametrize("first", ["", "W", "WW", "WL", "U", "WWLLTF", "TTTT", "WWWWWW", "UWLT"])
@pytest.mark.parametrize("second", ["W", "WW", "LW", "T", "WWLLTF", "LLLLLL"])
def test_several_seeds_never_crash_nor_give_nan(first, second):
    pair = summary(outcomes(first, seed=1) + outcomes(second, seed=2))
    assert (pair["win_rate"] is None) == ("reason" in pair)
    assert pair["win_rate"] is None or pair["ci_low"] <= pair["win_rate"] <= pair["ci_high"]
