import json
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager
from PIL import Image, ImageFont

from stages import wordclouds
from stages.figures import wordclouds as figure
from stages.figures.slug import slug
from tests.reporting import example_run

COUNTS = Counter({"marine biologist": 9, "geneticist": 3, "professor of molecular biology": 1})


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
    names = {path.stem for path in (without_roles / "plots/wordclouds").iterdir()}
    assert names == {slug(domain) for domain in example_run.DOMAINS}
    assert json.loads((without_roles / "metrics/roles.json").read_text())["small"]["roles"] == 0


def test_pngs_hold_no_date_or_version(without_roles):
    for path in without_roles.glob("plots/**/*.png"):
        with Image.open(path) as picture:
            assert set(picture.info) <= {"dpi"}


def test_without_mmlu_there_is_one_sheet_that_says_so(tmp_path: Path):
    figure.draw({}, {}, tmp_path / "sheet.png", tmp_path / "clouds")
    assert (tmp_path / "sheet.png").is_file()


def test_the_same_roles_give_the_same_picture_in_whatever_order():
    turned = Counter(dict(reversed(COUNTS.items())))
    assert np.array_equal(figure.image(COUNTS), figure.image(turned))


def test_more_frequent_is_larger_and_darker():
    placed = {word: (size, colour) for (word, _), size, _, _, colour in figure._laid_out(COUNTS, 1.0, 34).layout_}
    sizes = [placed[word][0] for word in COUNTS]
    reds = [int(placed[word][1].removeprefix("rgb(").split(",")[0]) for word in COUNTS]
    assert sizes == sorted(sizes, reverse=True)
    assert reds == sorted(reds)
    assert sizes[0] > sizes[-1]


@pytest.mark.parametrize("number", [1, 2, 7, 20])
def test_equal_counts_have_equal_sizes(monkeypatch, number):
    drawn = []
    monkeypatch.setattr(figure, "_in_the_middle", lambda image: image)
    real = figure._laid_out
    monkeypatch.setattr(figure, "_laid_out", lambda *given: drawn.append(real(*given)) or drawn[-1])
    figure.image(Counter({f"{'senior ' * (place % 4)}expert {place}": 1 for place in range(number)}))
    assert len(drawn[-1].layout_) == number
    assert len({size for _, size, *_ in drawn[-1].layout_}) == 1


@pytest.mark.parametrize("number", [5, 12, 20])
def test_no_phrase_touches_another(monkeypatch, number):
    drawn = []
    real = figure._laid_out
    monkeypatch.setattr(figure, "_laid_out", lambda *given: drawn.append(real(*given)) or drawn[-1])
    figure.image(
        Counter({f"grumpy physicist {'of jam ' * (place % 3)}{place}": 1 + place % 4 for place in range(number)})
    )
    boxes = []
    for (phrase, _), size, (top, left), _, _ in drawn[-1].layout_:
        font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)
        x0, y0, x1, y1 = font.getbbox(phrase)
        boxes.append((left + x0, top + y0, left + x1, top + y1))
    for one, other in combinations(boxes, 2):
        apart = one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
        assert apart, (one, other)


def test_nothing_is_drawn_beyond_the_canvas():
    many = Counter({f"specialist in subject number {number}": 60 - number for number in range(60)})
    picture = figure.image(many)
    assert picture is not None
    assert picture.shape == (figure.HEIGHT * figure.SCALE, figure.WIDTH * figure.SCALE, 3)
    edges = [picture[0], picture[-1], picture[:, 0], picture[:, -1]]
    assert all((edge == 255).all() for edge in edges)


def test_a_phrase_wider_than_the_canvas_spoils_nothing():
    wide = "manager who has helped customers and firms with pricing decisions of every kind and size"
    assert figure.image(Counter({wide: 1, "geneticist": 1})) is not None
    assert figure.image(Counter({wide * 3: 1})) is None


def test_the_palest_colour_can_be_read_on_white():
    """WCAG's contrast of at least 4.5 to 1."""
    parts = figure.PALE / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) >= 4.5


@pytest.mark.parametrize(("name", "file"), [("law", "law"), ("Law & Order", "law-order"), ("_x_", "x")])
def test_file_names_are_plain(name, file):
    assert slug(name) == file
