"""Judges that follow a rule, behind the interface of a chat model."""

import re

import pytest
from pydantic import TypeAdapter

from stages.chat_models import Bill, ChatReply, Outcome
from stages.chat_models.preset import ChatPreset
from stages.core.errors import InputError
from stages.judging.asking import ask, require_replies, showings
from stages.judging.comparisons import Comparison
from stages.judging.pairs import SystemPair
from stages.records.systems import System

SERVED = TypeAdapter(ChatPreset).validate_python({"kind": "openai", "model": "asked-for"})
PAIR = SystemPair(left=System(model="tiny", arm="role", seed=1), right=System(model="tiny", arm="standard", seed=1))
SHOWN = re.compile(r"<answer A>\n(.*)\n</answer A>\n\n<answer B>\n(.*)\n</answer B>", re.DOTALL)


class Judge:
    """Replies by a rule of the two answers it is shown."""

    def __init__(self, rule, failure=None, silent=False):
        self.rule, self.failure, self.silent = rule, failure, silent
        self.requests = []

    def ask(self, requests, check):
        for request in requests:
            self.requests.append(request)
            text = self.rule(*SHOWN.search(request.messages[0].content).groups())
            reply = ChatReply(
                text=text, finish_reason="stop", prompt_tokens=1, completion_tokens=1, model="served-2026-01-01"
            )
            value = None if self.failure else check(request, text)
            yield Outcome(request, value, self.failure, () if self.silent else (reply,))


def compare(*answers, pair=PAIR):
    return [
        Comparison(pair=pair, id=f"open_ended-{number}", request="Why?", left=left, right=right)
        for number, (left, right) in enumerate(answers)
    ]


def judged(judge, comparisons, answer_words=None):
    return list(ask(judge, showings(comparisons, answer_words), SERVED, Bill(SERVED)))


def longer(first, second):
    return "tie" if len(first) == len(second) else "A" if len(first) > len(second) else "B"


def test_each_comparison_is_judged_in_both_orders_and_verdicts_name_variants():
    judgements = judged(Judge(longer), compare(("long answer", "short"), ("x", "y")))
    assert [(each.id, each.first, each.second, each.verdict) for each in judgements] == [
        ("open_ended-0", "role", "standard", "role"),
        ("open_ended-0", "standard", "role", "role"),
        ("open_ended-1", "role", "standard", "tie"),
        ("open_ended-1", "standard", "role", "tie"),
    ]


def test_a_judge_that_takes_the_first_prefers_whoever_is_first():
    judgements = judged(Judge(lambda *_: "A"), compare(("a", "b")))
    assert [each.verdict for each in judgements] == ["role", "standard"]


def test_words_are_counted_whole_and_as_shown():
    first, second = judged(Judge(longer), compare(("one two three four", "")), answer_words=2)
    assert (first.first_words, first.first_words_shown, first.second_words) == (4, 2, 0)
    assert (second.second_words, second.second_words_shown, second.first_words_shown) == (4, 2, 0)


def test_the_judge_is_shown_no_more_words_than_allowed_and_an_empty_answer_as_it_is():
    judge = Judge(longer)
    judged(judge, compare(("one two three four", "")), answer_words=2)
    assert SHOWN.search(judge.requests[0].messages[0].content).groups() == ("one two […]", "")


def test_nothing_tells_the_judge_which_system_wrote_an_answer():
    judge = Judge(longer)
    judged(judge, compare(("An apple.", "A pear.")))
    for request in judge.requests:
        text = request.messages[0].content
        assert not re.search(r"\b(role|standard|tiny|base)\b", text)


def test_braces_and_tags_in_answers_pass_unharmed():
    judge = Judge(longer)
    judged(judge, compare(("{first} {0} %s </answer>", "{}")))
    assert SHOWN.search(judge.requests[0].messages[0].content).groups() == ("{first} {0} %s </answer>", "{}")


def test_request_names_differ():
    judge = Judge(longer)
    other = PAIR._replace(right=System(model="tiny"))
    judged(judge, compare(("a", "b"), ("c", "d")) + compare(("a", "b"), pair=other))
    assert len({request.id for request in judge.requests}) == 6


def test_an_unreadable_reply_is_kept_with_no_verdict():
    judgements = judged(Judge(lambda *_: "I like both."), compare(("a", "b")))
    assert [(each.verdict, each.reply) for each in judgements] == [(None, "I like both.")] * 2


def test_a_reply_that_was_cut_off_is_read_as_far_as_it_goes():
    judgements = judged(Judge(lambda *_: "Answer A is better because", failure="cut off"), compare(("a", "b")))
    assert [each.verdict for each in judgements] == ["role", "standard"]
    assert judgements[0].failure == "cut off"


@pytest.mark.parametrize("failure", ["content filter", "refused"])
def test_what_a_server_withheld_is_no_verdict(failure):
    judgements = judged(Judge(lambda *_: "A", failure=failure), compare(("a", "b")))
    assert [each.verdict for each in judgements] == [None, None]


def test_the_judge_is_named_as_the_server_names_it():
    assert judged(Judge(longer), compare(("a", "b")))[0].judge == "served-2026-01-01"


def test_requests_without_any_reply_stop_the_stage_unless_tolerated():
    judgements = judged(Judge(longer, failure="timed out", silent=True), compare(("a", "b")))
    assert [(each.reply, each.verdict, each.judge) for each in judgements] == [(None, None, "asked-for")] * 2
    with pytest.raises(InputError, match=r"no reply to 2 of 2 requests \(first: timed out\)"):
        require_replies(judgements, tolerated=0.5)
    require_replies(judgements + judged(Judge(longer), compare(("a", "b"))), tolerated=0.5)
    require_replies([], tolerated=0.0)


def test_a_server_that_will_not_judge_an_answer_is_no_fault_to_mend():
    judgements = judged(Judge(longer, failure="content filter", silent=True), compare(("a", "b")))
    assert [each.verdict for each in judgements] == [None, None]
    require_replies(judgements, tolerated=0.0)
