from pathlib import Path

from stages.data_checks.duplicates import check_near_duplicates, check_repeats
from stages.data_checks.findings import Line
from tests.data_checks.samples import lines, messages

BOOTS = "Where would you put a pair of wet boots so that the hall of the house stays clean?"


def test_a_repeated_question_names_both_lines():
    faults = check_repeats(lines([BOOTS, "Another one?", BOOTS.upper()]), "question", str)
    assert messages(faults) == ["set.jsonl, line 3: the same question as line 1"]


def test_a_question_of_another_file_is_named_with_it():
    repeated = [*lines([BOOTS]), Line(Path("other.jsonl"), 9, BOOTS)]
    assert messages(check_repeats(repeated, "question", str)) == [
        "other.jsonl, line 9: the same question as set.jsonl, line 1"
    ]


def test_rows_without_an_id_repeat_none():
    assert list(check_repeats(lines(["a", "b"]), "id", lambda _: None)) == []


def test_a_reworded_question_is_a_near_duplicate():
    texts = [BOOTS, "How far is the Moon from the Earth?", BOOTS.replace("clean", "dry")]
    (fault,) = messages(check_near_duplicates(lines(texts), str))
    assert fault.startswith("set.jsonl, line 3: nearly the same as line 1 (cosine 0.")


def test_questions_on_one_subject_are_none():
    texts = ["How far is the Moon from the Earth?", "How old is the Moon, by the rocks that were brought home?"]
    assert list(check_near_duplicates(lines(texts), str)) == []
