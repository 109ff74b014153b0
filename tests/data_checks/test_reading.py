from stages.data_checks.choice_rows import MmluRow
from stages.data_checks.reading import read_lines
from tests.data_checks.samples import messages, mmlu


def test_bad_lines_are_faults_with_file_and_line_and_the_rest_is_read(tmp_path):
    path = tmp_path / "test.jsonl"
    good = mmlu().model_dump_json()
    path.write_text("\n".join([good, "{not json", good.replace('"answer":1', '"answer":4'), good]) + "\n")
    faults = []
    found = read_lines(path, MmluRow, faults)
    assert [line.number for line in found] == [1, 4]
    assert [fault.line for fault in faults] == [2, 3]
    assert messages(faults)[1].startswith(f"{path}, line 3: answer: ")


def test_a_missing_file_is_a_fault(tmp_path):
    faults = []
    assert read_lines(tmp_path / "none.jsonl", MmluRow, faults) == []
    assert messages(faults) == [f"{tmp_path / 'none.jsonl'}: the file is missing"]
