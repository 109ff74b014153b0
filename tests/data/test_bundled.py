"""The bundled sets: schemas, counts, and nothing by which choices can be told without the question."""

from itertools import chain

import pytest

from tests.data import checks
from tests.data.guessing import REAL_LEVELS, guessed
from tests.data.rows import BUNDLED, ChoiceRow, ConversationRow, Gsm8kRow, Line, StrategyRow, TruthfulRow, read_lines
from tests.data.sets import SETS, check_counts

BY_FILE = {expected.file: expected for expected in SETS}
CHOICES = sorted(REAL_LEVELS)


@pytest.fixture(scope="module")
def read() -> dict[str, tuple[list[Line], list[str]]]:
    found = {}
    for file, expected in BY_FILE.items():
        faults: list[str] = []
        found[file] = list(read_lines(expected.path, expected.row, faults)), faults
    return found


def rows_of(read, kind):
    return [lines for lines, _ in read.values() if lines and isinstance(lines[0].row, kind)]


@pytest.mark.parametrize("file", BY_FILE)
def test_each_line_fits_its_schema_and_no_row_is_missing(read, file):
    lines, faults = read[file]
    assert faults == []
    assert list(check_counts(lines, BY_FILE[file])) == []


def test_no_question_stands_twice(read):
    for lines, _ in read.values():
        assert list(checks.check_repeats(lines, "id", lambda row: row.identifier)) == []
    everything = list(chain.from_iterable(lines for lines, _ in read.values()))
    assert list(checks.check_repeats(everything, "question", lambda row: row.asked)) == []
    assert list(checks.check_near_duplicates(everything, lambda row: row.asked)) == []


@pytest.mark.parametrize("file", CHOICES)
def test_keys_and_lengths_and_openings_of_choices_tell_nothing(read, file):
    lines, _ = read[file]
    found = [*checks.check_lengths(lines), *checks.check_negation(lines), *checks.check_ranks(lines)]
    if not isinstance(lines[0].row, TruthfulRow):
        found += checks.check_keys(lines)
    assert found == []


def test_wrong_choices_of_misconceptions_are_not_nested(read):
    (lines,) = rows_of(read, TruthfulRow)
    assert list(checks.check_nested(lines)) == []


@pytest.mark.parametrize("file", CHOICES)
def test_wording_and_length_tell_no_more_than_on_the_real_set(read, file):
    rows = [line.row for line in read[file][0]]
    share = guessed([row.offered for row in rows], [row.right for row in rows])
    mean, _ = REAL_LEVELS[file]
    assert share <= mean, f"{BUNDLED / file}: choices alone get {share:.1%} right, the real set's {mean:.1%}"


def test_solutions_add_up_and_decompositions_end_in_the_key(read):
    for lines in rows_of(read, Gsm8kRow):
        assert list(checks.check_arithmetic(lines)) == []
    for lines in rows_of(read, StrategyRow):
        assert list(checks.check_decompositions(lines)) == []


def test_word_problems_take_from_one_step_to_eight(read):
    lines, _ = read["openai/gsm8k/main/test.jsonl"]
    steps = [line.row.answer.count("\n") for line in lines]
    assert min(steps) == 1
    assert max(steps) == 8
    assert all(steps.count(number) >= 5 for number in range(1, 9))


def test_conversations_are_of_many_lengths_and_their_code_compiles(read):
    (lines,) = rows_of(read, ConversationRow)
    assert list(checks.check_conversations(lines)) == []


def test_no_conversation_answers_a_question_outright(read):
    (corpus,) = rows_of(read, ConversationRow)
    questions = [lines for file, (lines, _) in read.items() if not file.startswith("GAIR")]
    assert list(checks.check_taught(list(chain.from_iterable(questions)), corpus)) == []


def test_keys_of_free_answers_are_short_and_their_aliases_are_others(read):
    lines, _ = read["hotpotqa/hotpot_qa/fullwiki/validation.jsonl"]
    for line in lines:
        assert line.row.answer not in line.row.aliases, line.fault("an alias repeats the answer")
    longest = [alias for line in lines for alias in line.row.aliases if len(alias.split()) > 4]
    assert longest == []


def test_no_set_of_choices_is_left_out():
    files = {one.file for one in SETS if issubclass(one.row, ChoiceRow) and one.fewest >= 100}
    assert files == set(CHOICES)
