"""Figure 4: the roles that a model invented, by domain, on one scale of counts: as a cloud, or as a list of few.

Words are text in the SVG. The layout depends only on the phrases, their counts and the font.
"""

import math
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

from stages.figures import style
from stages.roles.written import WrittenRole, in_domain, most_frequent, phrases

FEW = 20
"""Domains with fewer distinct phrases have a list: a cloud of so few shows less than their counts."""
IN_CLOUD, IN_LIST = 40, 11  # phrases at most, and lines
SMALLEST, LARGEST = 6.0, 20.0  # points; LARGEST is the type of the count that is the largest over all domains
BREAK = 36  # characters after which a phrase goes on in a second line
SPACE = 3.0  # points between phrases
HEADING, GAP, EDGE = 0.25, 0.15, 0.01  # inches
WIDTH, HEIGHT = 3.4, 2.0  # inches of a panel below its heading: two fill a page
COLOUR = "#A34700"  # the role arm's hue, dark enough for small type
FONT = font_manager.FontProperties(family="DejaVu Sans")


@dataclass(frozen=True)
class Placed:
    """A phrase's text, its size and the box that it fills; all in points, from the panel's lower left corner."""

    text: str
    size: float
    left: float
    bottom: float
    width: float
    height: float

    def overlaps(self, other: "Placed") -> bool:
        return (
            self.left < other.left + other.width + SPACE
            and other.left < self.left + self.width + SPACE
            and self.bottom < other.bottom + other.height + SPACE
            and other.bottom < self.bottom + self.height + SPACE
        )


def draw_roles(written: Sequence[WrittenRole], domains: Iterable[str], sheet: Path, folder: Path) -> None:
    """The domains that have answers, as :func:`draw` draws them."""
    by_domain = {domain: in_domain(written, domain) for domain in domains}
    asked = {domain: entries for domain, entries in by_domain.items() if entries}
    counts = {domain: phrases(entries) for domain, entries in asked.items()}
    draw(counts, {domain: len(entries) for domain, entries in asked.items()}, sheet, folder)


@style.styled()
def draw(clouds: dict[str, Counter[str]], answers: dict[str, int], sheet: Path, folder: Path) -> None:
    """One PNG and SVG a domain in ``folder``, and all of them on ``sheet``, whose suffix does not matter.

    ``clouds`` are domain → how often each noun phrase was written; ``answers`` how many answers these come from.
    """
    most = max((count for counts in clouds.values() for count in counts.values()), default=1)
    for domain, counts in clouds.items():
        single = Figure(figsize=(WIDTH + 2 * EDGE, HEIGHT + HEADING + EDGE))
        _panel(single, (EDGE, EDGE), domain, counts, answers[domain], most)
        style.save(single, folder / style.slug(domain))
    style.save(_sheet(clouds, answers, most), sheet)


def _sheet(clouds: dict[str, Counter[str]], answers: dict[str, int], most: int) -> Figure:
    if not clouds:
        return style.empty("no role arm answered MMLU")
    rows = (len(clouds) + 1) // 2
    drawn = Figure(figsize=(2 * (WIDTH + EDGE) + GAP, rows * (HEIGHT + HEADING + GAP) - GAP + EDGE))
    for place, (domain, counts) in enumerate(clouds.items()):
        row, column = divmod(place, 2)
        corner = (EDGE + column * (WIDTH + GAP), EDGE + (rows - 1 - row) * (HEIGHT + HEADING + GAP))
        _panel(drawn, corner, domain, counts, answers[domain], most)
    return drawn


def _panel(
    drawn: Figure, corner: tuple[float, float], domain: str, counts: Counter[str], answers: int, most: int
) -> None:
    """A domain's phrases below its heading, lower left corner at ``corner`` (inches)."""
    width, height = drawn.get_size_inches()
    axes = drawn.add_axes((corner[0] / width, corner[1] / height, WIDTH / width, HEIGHT / height))
    heading = f"{domain.replace('_', ' ')}: {counts.total()} of {answers} answers name a role, {len(counts)} distinct"
    axes.set(xlim=(0, WIDTH * 72), ylim=(0, HEIGHT * 72), xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(style.FAINT)
    if not counts:
        axes.text(WIDTH * 36, HEIGHT * 36, "the model wrote no role here", ha="center", va="center")
    words = cloud(counts, most) if len(counts) >= FEW else []
    if 0 < len(words) < len(counts):
        heading += f", {len(words)} shown"
    axes.text(0, HEIGHT * 72 + 5, heading, ha="left", va="bottom", fontsize=7)
    for each in words:
        axes.text(each.left, each.bottom + each.height, each.text, size=each.size, va="top", color=COLOUR)
    for row, (count, phrase) in enumerate(ranked(counts) if len(counts) < FEW else []):
        middle, bar = HEIGHT * 72 - 12.5 * (row + 0.7), 45 * (count or 0) / most
        axes.barh(middle, bar, left=16, height=7, color=COLOUR)
        axes.text(14, middle, f"{count or ''}", ha="right", va="center", size=7)
        text = "\n".join(textwrap.wrap(phrase, 48))
        size = min(7.0, _fitting(text, 175), 9 / (text.count("\n") + 1))
        axes.text(20 + bar, middle, text, va="center", size=size)


def ranked(counts: Counter[str]) -> list[tuple[int | None, str]]:
    """Counts and phrases, the most frequent first; the last line tells how many are left out."""
    shown = most_frequent(counts, IN_LIST if len(counts) <= IN_LIST else IN_LIST - 1)
    lines: list[tuple[int | None, str]] = [(count, phrase) for phrase, count in shown]
    if left := len(counts) - len(shown):
        most = max(counts[phrase] for phrase in counts.keys() - dict(shown).keys())
        lines.append((None, f"and {left} more, written {'once each' if most == 1 else f'at most {most} times each'}"))
    return lines


def cloud(counts: Counter[str], most: int) -> list[Placed]:
    """The most frequent phrases, each where it finds room nearest to the middle.

    The area of a phrase is proportional to its count, and a phrase written ``most`` times has the largest type: equal
    counts have equal sizes in all domains. A phrase without room is made smaller, and left out if that does not help.
    """
    placed: list[Placed] = []
    for phrase, count in most_frequent(counts, IN_CLOUD):
        text = "\n".join(textwrap.wrap(phrase, BREAK))
        size = min(max(LARGEST * (count / most) ** 0.5, SMALLEST), _fitting(text, WIDTH * 72 - 2 * SPACE))
        sizes = (max(size * smaller, min(size, SMALLEST)) for smaller in (1.0, 0.85, 0.7))
        found = next((each for smaller in sizes if (each := _room(text, smaller, placed))), None)
        if found is not None:
            placed.append(found)
    return placed


def _room(text: str, size: float, placed: list[Placed]) -> Placed | None:
    width, height = extent(text, size)
    for x, y in _spiral():
        here = Placed(text, size, x - width / 2, y - height / 2, width, height)
        across = SPACE <= here.left <= WIDTH * 72 - SPACE - width
        inside = across and SPACE <= here.bottom <= HEIGHT * 72 - SPACE - height
        if inside and not any(here.overlaps(other) for other in placed):
            return here
    return None


def _spiral() -> Iterator[tuple[float, float]]:
    """Places from the middle outwards, on a spiral as flat as the panel, to its corners."""
    turn = 0.0
    while turn < 90:
        yield WIDTH * 36 + 2.2 * turn * math.cos(turn), HEIGHT * 36 + 1.3 * turn * math.sin(turn)
        turn += 3 / (3 + turn)


@cache  # each domain is drawn twice, and measuring takes most of the time
def extent(text: str, size: float) -> tuple[float, float]:
    """Width and height in points; a line is as high as matplotlib makes it."""
    lines = text.split("\n")
    width = max(TextPath((0, 0), line, size=size, prop=FONT).get_extents().x1 for line in lines)
    return width, 1.25 * size * len(lines)


def _fitting(text: str, width: float) -> float:
    """The largest type, in points, in which the text is no wider than ``width`` points, hinting left room for."""
    return 0.97 * width / extent(text, 1)[0]
