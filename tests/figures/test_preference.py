"""The figure, read back from what is drawn."""

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from stages.figures import preference, style
from stages.judging.counting import PairKey
from stages.judging.summary import summarize
from tests.figures.canvas import beyond
from tests.judging.samples import outcomes


def figure(judgements, planned=()):
    with style.styled():
        drawn = preference.figure(summarize(judgements, planned, seed=17))
        FigureCanvasAgg(drawn).draw()
    return drawn


def texts(drawn):
    return [text.get_text() for axes in drawn.axes for text in axes.texts] + [text.get_text() for text in drawn.texts]


def bars(drawn):
    """Name and share of each bar, from the top."""
    axes = drawn.axes[0]
    names = dict(zip(axes.get_yticks(), (label.get_text() for label in axes.get_yticklabels()), strict=True))
    return {names[round(patch.get_y() + patch.get_height() / 2)]: patch.get_width() for patch in axes.patches}


def test_each_outcome_has_its_bar_with_its_name_in_the_order_won_tied_flipped_lost():
    found = bars(figure(outcomes("WWWWTFFLLL")))
    shares = [0.4, 0.1, 0.2, 0.3]
    assert list(found) == ["role preferred", "tie in both orders", "changes with the order (tie)", "standard preferred"]
    assert list(found.values()) == pytest.approx(shares)


def test_what_never_happened_has_no_bar():
    assert list(bars(figure(outcomes("WWL")))) == ["role preferred", "standard preferred"]


def test_bars_of_a_judge_with_log_odds_add_up_to_one_though_every_verdict_follows_the_order():
    """They added up to 138%: its flips were drawn beside the wins, which are read off both orders' mean."""
    summary = summarize(outcomes("WWLF"), (), seed=17)["tiny"]["role - standard"]
    summary = {**summary, "strength": summary["strength"] | {"unit": "nats", "measured_nothing": True}}
    summary |= {"flips": {"count": 4, "rate": 1.0}, "tie": summary["tie"] | {"share": 0.25}}
    found = preference.parts(summary, "standard")
    assert sum(share for _, share, _ in found) == pytest.approx(1)
    assert "measured nothing" in preference.caption(summary)[1]


def test_number_of_prompts_interval_and_test_stand_below_the_bar():
    caption = next(text for text in texts(figure(outcomes("WWWWWWTTLL"))) if text.startswith("n ="))
    assert caption == "n = 10; win rate 70% (38% to 90%); p = 0.289; unreadable 0%"


def test_every_pair_has_its_heading():
    drawn = figure(outcomes("WL") + outcomes("WL", right="base") + outcomes("WL", right="role.stripped"))
    headings = [text for text in texts(drawn) if text.startswith("tiny, against")]
    assert headings == ["tiny, against standard", "tiny, against before fine-tuning", "tiny, against role.stripped"]


def test_a_pair_without_verdicts_says_why_and_draws_no_bar():
    drawn = figure(outcomes("UUU"), planned=[PairKey("tiny", "role - standard"), PairKey("other", "role - standard")])
    assert "no result: no prompt has a readable verdict in both orders" in texts(drawn)
    assert "no result: no comparison was judged" in texts(drawn)
    assert bars(drawn) == {}
    assert any("unreadable 50%" in text for text in texts(drawn))


def test_with_no_pair_at_all_the_figure_says_so():
    assert texts(figure([])) == ["no two systems were compared"]


def test_a_judge_led_by_the_order_alone_has_no_wins_in_its_bar():
    drawn = figure(outcomes("F" * 20))
    assert bars(drawn) == {"changes with the order (tie)": 1.0}
    assert "100%" in texts(drawn)


@pytest.mark.parametrize(
    "judgements",
    [
        outcomes("WWLLTFMU" * 4, judge="smollm2-135m itself, before fine-tuning", model="smollm2-135m"),
        outcomes("WWLL", model="a-rather-long-model-name-7b", judge="an/even-longer-name-of-a-judge-" * 3)
        + outcomes("WWLL", model="a-rather-long-model-name-7b", right="standard.manual_role"),
        outcomes("U", judge="x"),
    ],
)
def test_nothing_is_clipped_and_no_two_texts_overlap(judgements):
    drawn = figure(judgements)
    assert beyond(drawn) == []
    axes = drawn.axes[0]
    found = [*axes.texts, *axes.get_yticklabels(), axes.xaxis.label]
    boxes = [text.get_window_extent() for text in found]
    clashes = [
        (found[one].get_text(), found[other].get_text())
        for one in range(len(boxes))
        for other in range(one)
        if boxes[one].overlaps(boxes[other])
    ]
    assert clashes == []
