import re

import matplotlib as mpl
from matplotlib.figure import Figure

from stages.figures import style
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


def test_every_arm_has_its_own_colour_marker_and_hatch():
    variants = [
        "base",
        *(System(model="m", arm=arm, seed=1).variant for arm in ("standard", "role", "shuffled", "constant")),
    ]
    for named in (style.COLOURS, style.MARKERS, style.HATCHES):
        assert len({named[variant] for variant in variants}) == 5


def test_a_condition_has_its_arms_colour():
    assert style.colour("role.stripped") == style.colour("role")
    assert style.marker("standard.cot") == style.marker("standard")
