"""The figure, read back from what is drawn."""

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from stages.figures import preference, style
from stages.judging.counting import PairKey
from stages.judging.summary import summarize
from tests.judging.samples import outcomes


def figure(judgements, planned=()):
    with style.styled():
        drawn = preference.figure(summarize(judgements, planned, seed=17))
        FigureCanvasAgg(drawn).draw()
    return drawn


def texts(drawn):
    return [text.get_text() for axes in drawn.axes for text in axes.texts] + [text.get_text() for text in drawn.texts]


def bars(drawn):
    """Widths of the filled parts of the bars; the outline has no fill."""
    return [patch.get_width() for patch in drawn.axes[0].patches if patch.get_facecolor()[3] > 0]


def legend(drawn):
    return [text.get_text() for text in drawn.legends[0].get_texts()]


def test_the_bar_holds_wins_ties_flips_and_losses_in_this_order():
    assert bars(figure(outcomes("WWWWTFFLLL"))) == pytest.approx([0.4, 0.1, 0.2, 0.3])


def test_number_of_prompts_interval_and_test_stand_below_the_bar():
    caption = next(text for text in texts(figure(outcomes("WWWWWWTTLL"))) if text.startswith("n ="))
    assert caption == "n = 10; win rate 70% (38% to 90%); p = 0.289; unreadable 0%\njudge: a judge"


def test_every_pair_has_its_heading_and_every_system_its_colour():
    drawn = figure(outcomes("WL") + outcomes("WL", right="base") + outcomes("WL", right="role.stripped"))
    headings = [text for text in texts(drawn) if text.startswith("tiny, against")]
    assert headings == ["tiny, against standard", "tiny, against before fine-tuning", "tiny, against role.stripped"]
    assert len(set(legend(drawn))) == len(legend(drawn)) == 7
    assert preference.fill("role.stripped")["facecolor"] != preference.fill("role")["facecolor"]


def test_a_pair_without_verdicts_says_why_and_draws_no_bar():
    drawn = figure(outcomes("UUU"), planned=[PairKey("tiny", "role - standard"), PairKey("other", "role - standard")])
    assert "no result: no prompt has a readable verdict in both orders" in texts(drawn)
    assert "no result: no comparison was judged" in texts(drawn)
    assert bars(drawn) == []
    assert any("unreadable 50%" in text for text in texts(drawn))


def test_with_no_pair_at_all_the_figure_says_so():
    assert texts(figure([])) == ["no two systems were compared"]


def test_a_judge_led_by_the_order_alone_has_no_wins_in_its_bar():
    drawn = figure(outcomes("F" * 20))
    assert bars(drawn) == pytest.approx([0, 0, 1, 0])
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
    found = [text for axes in drawn.axes for text in axes.texts]
    found += [text for legend in drawn.legends for text in legend.get_texts()]
    boxes = [text.get_window_extent() for text in found]
    for box in boxes:
        assert drawn.bbox.x0 <= box.x0
        assert box.x1 <= drawn.bbox.x1
        assert drawn.bbox.y0 <= box.y0
        assert box.y1 <= drawn.bbox.y1
    clashes = [
        (found[one].get_text(), found[other].get_text())
        for one in range(len(boxes))
        for other in range(one)
        if boxes[one].overlaps(boxes[other])
    ]
    assert clashes == []
