"""docs/trust.md: every test that it names is there."""

import ast
import re

import pytest

from tests.import_graph import ROOT

TABLE = (ROOT / "docs/trust.md").read_text(encoding="utf-8")
ROWS = [
    line for line in TABLE.partition("## Not trusted")[2].partition("\n## ")[0].splitlines() if line.startswith("| ")
]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TABLE)))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_the_table_names_exists(file, name):
    assert name.startswith("test_")
    body = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    assert name in {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_row_names_a_test():
    assert len(ROWS) > 10
    assert [row for row in ROWS[2:] if not re.search(r"`tests/[\w/]+\.py::test_\w+` \|$", row)] == []
