import re

import matplotlib as mpl
from matplotlib.figure import Figure

from stages.figures import style, wordclouds
from stages.records.systems import System


def drawn() -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([1, 2], [3, 4], label="a − b")  # noqa: RUF001
    return figure


def test_saved_twice_a_figure_has_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        with style.styled():
            style.save(drawn(), tmp_path / name)
    for suffix in (".png", ".svg"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_files_carry_no_date_and_no_version(tmp_path):
    with style.styled():
        style.save(drawn(), tmp_path / "figure")
    assert mpl.__version__.encode() not in (tmp_path / "figure.png").read_bytes()
    svg = (tmp_path / "figure.svg").read_text()
    assert mpl.__version__ not in svg
    assert not re.search(r"20\d\d-\d\d-\d\d", svg)


def test_the_style_ends_with_its_block():
    before = mpl.rcParams["font.size"]
    with style.styled():
        assert mpl.rcParams["font.size"] == style.RC["font.size"]
    assert mpl.rcParams["font.size"] == before


def test_every_arm_has_its_own_colour_and_marker():
    variants = [
        "base",
        *(System(model="m", arm=arm, seed=1).variant for arm in ("standard", "role", "shuffled", "constant")),
    ]
    looks = [style.look(variant) for variant in variants]
    assert len({look.colour for look in looks}) == len({look.marker for look in looks}) == 5


def test_a_condition_has_its_arms_colour():
    assert style.look("role.stripped") == style.look("role")
    assert style.look("standard.cot") == style.look("standard")


def test_an_svg_has_real_text_and_a_dark_counterpart_for_each_of_its_colours():
    """A colour that nothing stands for must be read on the dark page: 3 to 1, WCAG's contrast of graphics."""
    with style.styled():
        figure = drawn()
        for place, arm in enumerate(style.LOOKS):
            figure.axes[0].plot([1, 2], [place, 4], color=style.look(arm).colour)
        figure.axes[0].legend()
        text = style.svg(figure)
    content, rules = text.partition("</style>")[2], text.partition("</style>")[0]
    assert "a − b</text>" in content  # noqa: RUF001
    assert "prefers-color-scheme: dark" in rules
    for found in set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", content)):
        darkened = re.search(rf'"stroke: {found}"\]{{stroke:(#\w+)', rules)
        colour = darkened.group(1) if darkened else found
        assert colour == style.DARK[style.PAPER] or contrast(colour, style.DARK[style.PAPER]) >= (
            2 if colour == style.DARK[style.FAINT] else 3
        ), found


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_smallest_words_of_the_clouds_can_be_read_on_white():
    """Six points need a contrast of 4.5 to 1."""
    assert contrast(wordclouds.COLOUR, "#FFFFFF") >= 4.5
