import json

from stages.reporting import browser


def test_items_are_evenly_spaced_where_there_are_many():
    names = [str(number) for number in range(1000)]
    chosen = browser.evenly_spaced(names)
    assert len(chosen) == browser.MOST
    assert chosen[:3] == ["0", "5", "10"]
    assert browser.evenly_spaced(names[:7]) == names[:7]


def test_long_answers_are_marked_as_cut():
    assert browser.clipped("x" * 5000).endswith("x […]")
    assert browser.clipped("short") == "short"


def test_json_in_the_page_cannot_end_its_element():
    value = {"o": "</script><!-- & <script>"}
    text = str(browser.as_script(value))
    assert "<" not in text
    assert json.loads(text) == value
