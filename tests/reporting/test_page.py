"""The page as a reader gets it."""

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.reporting.conftest import run_stages


class Page(HTMLParser):
    """What the tests ask of the page: its elements with their attributes and text."""

    VOID = frozenset({"meta", "img", "input", "br", "link"})

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[tuple[str, str]] = []
        self.scripts: list[str] = []
        self._open: list[str] = []
        self._source: str | None = None
        self._text = ""
        self.feed(path.read_text(encoding="utf-8"))
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)
        if tag in {"td", "th"}:
            self._source, self._text = dict(attrs).get("data-source"), ""

    def handle_endtag(self, tag):
        assert self._open.pop() == tag
        if tag in {"td", "th"} and self._source:
            self.cells.append((self._source, self._text))

    def handle_data(self, data):
        self._text += data
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(finished) -> Page:
    return Page(finished / "plots/report.html")


def found_at(folder: Path, source: str):
    """The number that a JSON pointer names."""
    file, _, pointer = source.partition("#/")
    value = json.loads((folder / file).read_text(encoding="utf-8"))
    for key in pointer.split("/"):
        value = value[int(key)] if isinstance(value, list) else value[unquote(key)]
    return value


def test_every_number_in_the_tables_is_that_of_the_metrics(finished, page):
    assert len(page.cells) > 150
    for sources, text in page.cells:
        shown = re.findall(r"[+−]?\d[\d,]*\.?\d*", text.replace("<", ""))  # noqa: RUF001
        expected = [found_at(finished, source) for source in sources.split()]
        if "roles" in sources and "(" in text and "frequent" in sources:
            shown = re.findall(r"\((\d+)\)", text)
        assert len(shown) == len(expected), (text, sources)
        for number, value in zip(shown, expected, strict=True):
            read = float(number.replace("−", "-").replace("+", "").replace(",", ""))  # noqa: RUF001
            if text.startswith("<"):
                assert value < read
                continue
            digits = len(number.partition(".")[2])
            assert any(read == pytest.approx(round(value * factor, digits), abs=10**-digits / 1.9)
                       for factor in (1, 100)), (text, value)  # fmt: skip


def test_all_metrics_of_the_main_question_are_shown(finished, page):
    told = " ".join(sources for sources, _ in page.cells)
    comparison = json.loads((finished / "metrics/comparison.json").read_text())
    for benchmark in comparison["small"]["role - standard"]:
        assert f"metrics/benchmarks.json#/small/role/{benchmark}/score" in told
        assert f"metrics/benchmarks.json#/small/standard/{benchmark}/score" in told
        assert f"metrics/comparison.json#/small/role%20-%20standard/{benchmark}/p_holm" in told


def test_the_page_needs_nothing_from_elsewhere(page):
    for tag, attributes in page.elements:
        for name in ("src", "href", "action", "data", "poster"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, value)
    policies = [each["content"] for each in page.all("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    assert policies
    assert "default-src 'none'" in policies[0]


def test_every_picture_has_words(page):
    pictures = page.all("img")
    assert len(pictures) == 5 + 10
    assert all(len(picture["alt"] or "") > 30 for picture in pictures)
    assert all(re.match(r"data:image/(png|svg\+xml);base64,", picture["src"] or "") for picture in pictures)


def test_headings_go_down_one_level_at_a_time(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_identifiers_are_unique_and_every_link_leads_somewhere(page):
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)
    assert all((each["href"] or "")[1:] in identifiers for each in page.all("a"))


def test_what_a_model_wrote_is_shown_and_never_obeyed(finished, page):
    """The answers hold tags; the JSON of the browser must not be able to close its element."""
    assert not [tag for tag, _ in page.elements if tag == "b"]
    items = json.loads(page.scripts[0])
    assert any("<b>" in answer["o"] for item in items["items"] for answer in item["a"])
    assert "&lt;b&gt;" in (finished / "plots/report.html").read_text()


def test_the_same_run_gives_the_same_bytes(finished):
    before = {path: path.read_bytes() for path in finished.rglob("plots/**/*") if path.is_file()}
    before[finished / "metrics/roles.json"] = (finished / "metrics/roles.json").read_bytes()
    run_stages(finished)
    assert all(path.read_bytes() == content for path, content in before.items())


def test_the_page_tells_neither_time_nor_place(finished):
    text = (finished / "plots/report.html").read_text()
    assert str(finished) not in text
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", text)


def test_what_it_is_and_is_not(finished):
    text = re.sub(r"\s+", " ", (finished / "plots/report.html").read_text())
    assert "A reimplementation of the method" in text
    assert "Only HumanEval is a published benchmark here" in text
    assert "small, random weights." in text
    assert "Each arm was trained once:" in text


def test_a_note_of_several_tables_stands_once_on_the_page_and_in_each_table_of_its_own(finished):
    page = (finished / "plots/report.html").read_text()
    for note in (
        "p (Holm): p after Holm&#39;s correction",
        "Likeliest text: the choice whose text",
        "Detectable: the sm",
    ):
        assert page.count(note) == 1
    for table in ("differences", "domains", "controls"):
        assert "p (Holm): p after Holm's correction" in (finished / f"plots/tables/{table}.md").read_text()
