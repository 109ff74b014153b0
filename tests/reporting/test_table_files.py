from stages.core import parameters
from stages.reporting.inputs import load
from stages.reporting.table import NO_CELL, WORDS, Cell, Entry, Table, build
from stages.reporting.table_files import html, markdown

TABLE = Table(
    "demo",
    "A & B in 50% of cases",
    ["Name", "Score", "What"],
    [[Cell("a_b|c"), Cell("\u22123.0", ("metrics/x.json#/a",), variant="role.stripped", strong=True), Cell("<i>")]],
    ["See #1."],
    words=[2],
)


def test_markdown_escapes_what_would_break_the_table():
    assert markdown(TABLE).splitlines() == [
        "**A & B in 50% of cases**",
        "",
        "| Name | Score | What |",
        "| --- | ---: | --- |",
        r"| a\_b\|c | **−3.0** | \<i> |",  # noqa: RUF001
        "",
        "See #1.",
    ]


def test_html_tells_where_a_number_comes_from():
    text = html(TABLE)
    assert '<td class="arm-role" data-source="metrics/x.json#/a"><strong>−3.0</strong></td>' in text  # noqa: RUF001
    assert '<th scope="row" class="label-cell">a_b|c</th>' in text
    assert '<td class="words">&lt;i&gt;</td>' in text
    assert '<th scope="col">Score</th>' in text


def test_a_number_that_is_lacking_has_no_source():
    entry = Entry("metrics/x.json", {"a": {"score": None, "n": 0}}).at("a")
    assert entry.percent("score") == Cell("n/a")
    assert entry.number("n") == Cell("0", ("metrics/x.json#/a/n",))
    assert entry.at("absent").points("delta") == Cell("n/a")


def test_keys_with_spaces_and_slashes_stay_one_part_of_the_pointer():
    entry = Entry("metrics/x.json", {"role - standard": {"a/b": {"p": 0.5}}}).at("role - standard", "a/b")
    assert entry.p("p").sources == ("metrics/x.json#/role%20-%20standard/a%2Fb/p",)


def test_an_interval_can_be_set_below_its_value():
    text = html(Table("t", "T", ["Name", "Score"], [[Cell("a (b)"), Cell("30.1 (25.4 to 35.3)")]]))
    assert '30.1 <span class="interval">(25.4 to 35.3)</span>' in text
    assert "a (b)" in text


def test_a_column_that_no_row_fills_is_left_out(finished):
    run = load(finished)
    spec = {name: lambda _: iter(()) for name in parameters.read(WORDS)}
    rows = [NO_CELL, Cell("MMLU"), *[Cell("1")] * 3, NO_CELL, *[Cell("2")] * 2, Cell("exact match")]
    (made,) = build(run, spec | {"main": lambda _: iter([rows])})
    assert made.head == ["Benchmark", "standard", "role (self-prompt)", "Difference", "Guessing", "n", "Reading"]
    assert (made.labels, made.words) == (1, [6])
