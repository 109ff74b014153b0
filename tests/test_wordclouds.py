import json
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from stages import wordclouds
from stages.figures import style
from stages.figures import wordclouds as figure
from stages.figures.style import slug
from tests.figures.canvas import beyond
from tests.reporting import example_run

LONG = "consultant on intergovernmental telecommunications standardisation and pharmacovigilance law"
KINDS = ("biologist", "chemist", "physicist", "historian", "lawyer", "nurse", "teacher", "statistician")
MANY = Counter({f"{adjective} {kind}": 1 + (3 * place + len(kind)) % 40 for place, kind in enumerate(KINDS)
                for adjective in ("marine", "organic", "senior", "nuclear", "medieval", "applied")})  # fmt: skip


@pytest.fixture(scope="module")
def without_roles(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    example_run.write_data(folder, example_run.plan(extras=False), roles=False, sizes=example_run.SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["wordclouds"])
        wordclouds.main()
    return folder


def test_the_stage_draws_a_figure_for_each_domain_and_a_sheet_even_without_roles(without_roles):
    names = {path.name for path in (without_roles / "plots/wordclouds").iterdir()}
    assert names == {f"{slug(domain)}{suffix}" for domain in example_run.DOMAINS for suffix in (".png", ".svg")}
    assert json.loads((without_roles / "metrics/roles.json").read_text())["small"]["roles"] == 0


def test_pngs_hold_no_date_or_version(without_roles):
    for path in without_roles.glob("plots/**/*.png"):
        with Image.open(path) as picture:
            assert set(picture.info) <= {"dpi"}


def panel(counts: Counter[str], most: int = 40) -> Figure:
    with style.styled():
        drawn = Figure(figsize=(figure.WIDTH, figure.HEIGHT + figure.HEADING))
        figure._panel(drawn, (0, 0), "law", counts, counts.total(), most)
    return drawn


def texts(drawn: Figure) -> list[str]:
    return [text.get_text().replace("\n", " ") for text in drawn.axes[0].texts]


def test_without_mmlu_there_is_one_sheet_that_says_so(tmp_path: Path):
    figure.draw({}, {}, tmp_path / "sheet.png", tmp_path / "clouds")
    assert (tmp_path / "sheet.png").is_file()
    assert "no role arm answered MMLU" in (tmp_path / "sheet.svg").read_text()


def test_the_frames_of_the_panels_stand_within_the_sheet():
    """Their outer half was cut off at the sheet's edges."""
    with style.styled():
        drawn = figure._sheet(dict.fromkeys(("law", "physics"), MANY), dict.fromkeys(("law", "physics"), 900), 40)
    for axes in drawn.axes:
        box = axes.get_position()
        assert min(box.x0, box.y0) > 0
        assert max(box.x1, box.y1) < 1


def test_phrases_are_text_in_the_svg(tmp_path: Path):
    figure.draw({"law": MANY}, {"law": MANY.total()}, tmp_path / "sheet", tmp_path / "clouds")
    for path in (tmp_path / "sheet.svg", tmp_path / "clouds/law.svg"):
        assert "applied chemist</text>" in path.read_text()


def test_the_same_roles_give_the_same_picture_in_whatever_order():
    assert figure.cloud(MANY, 40) == figure.cloud(Counter(dict(reversed(MANY.items()))), 40)


def test_equal_counts_have_equal_sizes_in_all_domains():
    one, other = (Counter({f"{name} {place}": count for place in range(12)} | {"judge": most})
                  for name, count, most in (("lawyer", 4, 9), ("nurse", 4, 36)))  # fmt: skip
    sizes = {each.size for counts in (one, other) for each in figure.cloud(counts, 36) if each.text != "judge"}
    assert len(sizes) == 1
    assert {each.size for each in figure.cloud(other, 36) if each.text == "judge"} == {figure.LARGEST}


def test_more_frequent_is_never_smaller():
    sizes = [each.size for each in figure.cloud(Counter({"judge": 36, "lawyer": 9, "clerk": 4}), 36)]
    assert sizes == pytest.approx([figure.LARGEST, figure.LARGEST / 2, figure.LARGEST / 3])


def test_no_phrase_touches_another_and_none_leaves_the_panel():
    drawn = panel(MANY + Counter({LONG: 40}))
    assert beyond(drawn) == []
    shown = [text for text in drawn.axes[0].texts if "answers name" not in text.get_text()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in shown]
    assert [(one[0], other[0]) for one, other in combinations(boxes, 2) if one[1].overlaps(other[1])] == []


def test_what_finds_no_room_is_counted_in_the_heading():
    crowd = Counter({f"specialist in subject number {number}": 40 for number in range(60)})
    words = figure.cloud(crowd, 40)
    assert 0 < len(words) < 60
    assert f"60 distinct, {len(words)} shown" in texts(panel(crowd))[0]


@pytest.mark.parametrize("others", [Counter({"judge": 2}), MANY])
@pytest.mark.parametrize("phrase", [LONG, "x" * 92])
def test_a_phrase_of_92_letters_is_shrunk_and_blanks_no_domain(others, phrase):
    drawn = panel(Counter({phrase: 40}) + others)
    assert len(phrase) == 92
    assert any(text.replace(" ", "") == phrase.replace(" ", "") for text in texts(drawn))
    assert any(text in others for text in texts(drawn))
    assert not any("wrote no role" in text for text in texts(drawn))
    assert beyond(drawn) == []


@pytest.mark.parametrize(("number", "lines"), [(1, 1), (11, 11), (12, 11), (19, 11)])
def test_few_distinct_phrases_are_a_ranked_list_with_counts(number, lines):
    counts = Counter({f"expert {place:02}": 2 if place == 3 else 1 for place in range(number)})
    found = figure.ranked(counts)
    assert len(found) == lines
    assert found[0] == ((2, "expert 03") if number > 3 else (1, "expert 00"))
    assert (found[-1] == (None, f"and {number - 10} more, written once each")) == (number > 11)
    assert len(drawn_bars := panel(counts).axes[0].patches) == lines, drawn_bars


def test_bars_of_all_lists_have_one_scale():
    widths = [panel(Counter({"judge": count})).axes[0].patches[0].get_width() for count in (10, 40)]
    assert widths[1] == pytest.approx(4 * widths[0])


def test_a_domain_without_roles_says_so():
    assert "the model wrote no role here" in texts(panel(Counter()))


@pytest.mark.parametrize(("name", "file"), [("law", "law"), ("Law & Order", "law-order"), ("_x_", "x")])
def test_file_names_are_plain(name, file):
    assert slug(name) == file
