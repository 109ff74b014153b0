from stages.data_checks.choice_rows import MmluRow
from stages.data_checks.sets import SETS, BundledSet, check_counts
from tests.data_checks.samples import lines, messages, mmlu

SUBJECTS = frozenset({"astronomy", "virology"})


def counted(subjects, **expected):
    return messages(
        check_counts(lines([mmlu(subject=subject) for subject in subjects]), BundledSet("f", MmluRow, **expected))
    )


def test_enough_of_each_group_is_no_fault():
    assert counted(["astronomy", "virology"], fewest=2, groups=SUBJECTS) == []


def test_too_few_rows():
    assert counted(["astronomy"], fewest=2) == ["set.jsonl: expected at least 2 rows, found 1"]


def test_too_few_rows_of_a_subject():
    faults = counted(["astronomy"] * 3, fewest=2, groups=SUBJECTS, fewest_in_group=2)
    assert faults == ["set.jsonl: virology: expected at least 2 rows, found 0"]


def test_a_subject_that_the_set_does_not_have_is_named_with_its_line():
    faults = counted(["astronomy", "virology", "astrology"], fewest=2, groups=SUBJECTS)
    assert faults == ["set.jsonl, line 3: 'astrology' is none of the set's groups"]


def test_too_few_groups():
    assert counted(["astronomy"] * 2, fewest=2, fewest_groups=2) == ["set.jsonl: expected at least 2 groups, found 1"]


def test_mmlu_wants_six_questions_of_each_of_57_subjects():
    (test,) = (one for one in SETS if one.file == "cais/mmlu/all/test.jsonl")
    assert (len(test.groups), test.fewest_in_group, test.fewest) == (57, 6, 342)
