import pytest

from stages.records.files import read_jsonl, write_jsonl
from stages.records.results import ChoiceReading, Generation
from stages.records.systems import System
from stages.scoring.comparison import compare
from stages.scoring.items import score_plan
from stages.scoring.summary import summarize
from stages.scoring.tables import tabulate
from tests.scoring import synthetic

ROLE, STANDARD = (System(model="tiny", arm=arm, seed=1) for arm in ("role", "standard"))


def tables(folder, primary="cloze", benchmark="mmlu", size=40, change=lambda place, item: {}, systems=(ROLE,)):
    """The tables of a small run whose generations are changed, each by its place among the questions."""
    run = synthetic.plan(list(systems), [benchmark])
    synthetic.write_run(folder, run, {benchmark: size})
    for system in systems:
        path = folder / f"data/generations/{system.name}/{benchmark}.jsonl"
        made = enumerate(read_jsonl(path, Generation))
        write_jsonl(path, [item.model_copy(update=change(place, item)) for place, item in made])
    return tabulate(score_plan(run, primary, folder / "data"))


def unwritten_from(first: int):
    nothing = {"output": None, "prompt": None, "finished": None, "output_tokens": 0}
    return lambda place, item: nothing if place >= first else {}


def test_a_reading_of_fewer_items_says_of_how_many(tmp_path):
    entry = summarize(tables(tmp_path, change=unwritten_from(10)))["tiny"]["role"]["mmlu"]
    assert (entry["reading"], entry["n"], entry["n_written"]) == ("cloze", 40, 10)
    assert "n_cloze" not in entry
    assert entry["score"] == entry["score_cloze"] == entry["score_letter"]
    assert entry["unparsed_rate"] == 0
    assert entry["role_rate"] == 1


def test_where_the_written_answer_is_the_score_only_items_that_have_one_count(tmp_path):
    found = tables(tmp_path, "written", change=unwritten_from(10), systems=(ROLE, STANDARD))
    entry = summarize(found)["tiny"]["role"]["mmlu"]
    assert (entry["reading"], entry["n"]) == ("written", 10)
    assert entry["score"] == entry["score_written"]
    assert entry["ci_low"] < entry["score"] < entry["ci_high"]
    assert sum(entry["picks"].values()) == pytest.approx(1)
    assert compare(found, 17, 0.03)["tiny"]["role - standard"]["mmlu"]["n"] == 10


def test_picks_and_majority_show_a_model_that_always_says_a(tmp_path):
    always = ChoiceReading(prompt="", role=None, logprobs=[-1.0, -3.0, -3.0, -3.0])
    entry = summarize(tables(tmp_path, change=lambda place, item: {"cloze": always}))["tiny"]["role"]["mmlu"]
    assert entry["picks"] == {"A": 1.0}
    assert entry["score"] == entry["majority"] == 0.25


def test_labels_of_yes_and_no_are_the_words(tmp_path):
    entry = summarize(tables(tmp_path, benchmark="strategyqa"))["tiny"]["role"]["strategyqa"]
    assert set(entry["picks"]) == {"yes", "no"}
    assert entry["majority"] == 0.5


def test_free_answers_have_no_picks(tmp_path):
    entry = summarize(tables(tmp_path, benchmark="gsm8k"))["tiny"]["role"]["gsm8k"]
    assert not {"picks", "majority", "score_cloze", "n_written"} & set(entry)
    assert entry["reading"] == "written"


def test_an_unread_answer_is_no_pick(tmp_path):
    silent = {"output": f"{synthetic.ROLE}\n\nWho knows?"}
    found = tables(tmp_path, "written", change=lambda place, item: silent if place % 2 else {})
    entry = summarize(found)["tiny"]["role"]["mmlu"]
    assert entry["unparsed_rate"] == 0.5
    assert sum(entry["picks"].values()) == pytest.approx(1)
    assert entry["n"] == 40
