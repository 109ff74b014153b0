"""How every figure looks: sizes and type for print, one colour and one marker for each arm, the same bytes each time.

Colours are Okabe & Ito's (2008, "Color Universal Design"), distinct under every common colour blindness; markers
and lines distinguish them in grey. An SVG also has a dark variant, shown on dark screens.
"""

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure

from stages.records.files import replacing

COLUMN = 3.4  # inches: one column of a two-column page
INK, FAINT, PAPER, GREY = "#222222", "#BBBBBB", "#FFFFFF", "#767676"


class Look(NamedTuple):
    """An arm's colour, marker and line style."""

    colour: str
    marker: str = "o"
    line: Any = "-"


LOOKS = {
    "base": Look("#6E6E6E", "D"),
    "standard": Look("#0072B2", "o"),
    "role": Look("#D55E00", "s", "--"),
    "shuffled": Look("#009E73", "^", ":"),
    "constant": Look("#CC79A7", "v", "-."),
    "restated": Look("#E69F00", "<", (0, (5, 1, 1, 1))),
    "brief": Look("#882255", ">", (0, (1, 1))),
    "official": Look("#56B4E9", "P"),
}
TITLES = {
    "base": "before fine-tuning",
    "standard.manual": "standard, role by hand",
    "role": "role (self-prompt)",
    "official": "official chat version",
}
DARK = {
    INK: "#E6E6E6",
    FAINT: "#5A5A5A",
    PAPER: "#17191D",
    GREY: "#A0A0A0",
    "#000000": "#E6E6E6",
    "#6E6E6E": "#A8A8A8",
    "#0072B2": "#56A9E8",
    "#D55E00": "#F08A3C",
    "#A34700": "#F3A262",
    "#882255": "#D977A8",
}
"""Replacements of colours on a dark screen; the other colours are legible on both."""
TALLEST = 2400
"""Pixels of a PNG's height: otherwise a sheet of many panels would be more than a megabyte in Git."""
SIGNIFICANT = 0.05
"""Differences with p below this after Holm's correction are filled."""
HOW_TO_READ = "Bars: 95% intervals. Filled: p < 0.05 after Holm."

# No size below 6 points, so that all can be read where the figure stands in one column.
RC: dict[Any, Any] = {
    "font.family": "sans-serif",
    # The first comes with matplotlib and is what all is laid out in; an SVG's reader may have another of its width.
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 7,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    **dict.fromkeys(["axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color"], INK),
    "savefig.dpi": 300,
    "svg.hashsalt": "self-prompt",  # identifiers in the SVG are otherwise random
    "svg.fonttype": "none",  # real text: it can be searched, copied and read aloud
}


def look(variant: str) -> Look:
    """That of the variant's arm: conditions share it and are told apart by their labels."""
    return LOOKS.get(variant.partition(".")[0], Look(INK))


def title(variant: str) -> str:
    return TITLES.get(variant, variant)


def significant(entry: Mapping[str, Any]) -> bool:
    return entry.get("p_holm") is not None and entry["p_holm"] < SIGNIFICANT


def place(variant: str) -> int:
    """The same order of arms in every figure."""
    arm = variant.partition(".")[0]
    return [*LOOKS, arm].index(arm)


@contextmanager
def styled() -> Iterator[None]:
    """Figures drawn and saved in the block have this style, whatever matplotlib's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        yield


def empty(reason: str) -> Figure:
    """A placeholder for a figure without data."""
    drawn = Figure(figsize=(COLUMN, 1.0))
    drawn.text(0.5, 0.5, reason, ha="center", va="center")
    return drawn


@styled()
def save(figure: Figure, stem: Path) -> None:
    """Write ``stem.png`` and ``stem.svg``, without dates or versions."""
    dots = min(mpl.rcParams["savefig.dpi"], TALLEST / figure.get_figheight())
    with replacing(stem.with_suffix(".png")) as path:
        figure.savefig(path, format="png", dpi=dots, metadata={"Software": None})
    with replacing(stem.with_suffix(".svg")) as path:
        path.write_text(svg(figure), encoding="utf-8")


def svg(figure: Figure) -> str:
    """The figure with real text, and with rules that give each colour its dark counterpart on a dark screen."""
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    rules = "".join(
        f'[style*="{part}: {light.lower()}"]{{{part}:{dark} !important}}'
        for light, dark in DARK.items()
        for part in ("fill", "stroke")
    )
    # Text without a colour of its own is black.
    rules += f"text:not([style*=fill]){{fill:{DARK[INK]}}}"
    head, _, rest = written.getvalue().partition("<defs>")
    return f"{head}<style>@media (prefers-color-scheme: dark){{{rules}}}</style>\n <defs>{rest}"


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
