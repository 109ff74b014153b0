"""Figure 4: the roles a model invented, one word cloud for each domain; size and depth of colour by frequency."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.figure import Figure
from numpy.typing import NDArray
from wordcloud import WordCloud

from stages.figures import style
from stages.figures.slug import slug
from stages.records.files import replacing
from stages.roles.written import most_frequent

MOST = 20  # phrases in one cloud
WIDTH, HEIGHT, SCALE = 420, 240, 2  # pixels in which words are laid out, and how much finer they are drawn
SMALLEST, LARGEST = 10, 34  # type in those pixels; 10 are 6 points in print
# Parts of the canvas, in each direction, with the largest type: what is tried in turn.
TRIED = [
    *((share, LARGEST) for share in (0.45, 0.6, 0.75, 0.9, 1.0)),
    *((1.0, size) for size in (29, 25, 21, 18, 15, 12)),
]
DPI = 240
HEADING, GAP = 0.25, 0.15  # inches
PANEL = (WIDTH * SCALE / DPI, HEIGHT * SCALE / DPI + HEADING)  # 3.5 inches wide: two fill a page
# From the palest that is still read on white (4.5:1) to nearly brown: the role arm's hue.
PALE, DEEP = np.array([0xB8, 0x58, 0x12]), np.array([0x45, 0x1A, 0x00])

Image = NDArray[np.uint8]


def draw(clouds: dict[str, Counter[str]], answers: dict[str, int], sheet: Path, folder: Path) -> None:
    """One PNG a domain in ``folder``, and all of them on ``sheet``.

    Args:
        clouds: Domain → how often each noun phrase was written; empty where the model wrote none.
        answers: Domain → how many answers these come from.
        sheet: The figure with all.
        folder: Where each domain's own figure goes.
    """
    images = {domain: image(counts) for domain, counts in clouds.items()}
    with style.styled():
        for domain, counts in clouds.items():
            _save(_single(domain, images[domain], counts, answers[domain]), folder / f"{slug(domain)}.png")
        _save(_sheet(images, clouds, answers), sheet)


def image(counts: Counter[str]) -> Image | None:
    """The cloud as an array [height, width, 3]; None where there is nothing to show, or nothing that finds room.

    Laid out in the smallest part of the canvas that holds all phrases at full size, so that a few do not lie scattered,
    else in smaller type, and set in the middle.
    """
    if not counts:
        return None
    shown = Counter(dict(most_frequent(counts, MOST)))
    clouds = (_laid_out(shown, share, largest) for share, largest in TRIED)
    cloud = next((cloud for cloud in clouds if _is_true(cloud, shown)), None) or _laid_out(shown, 1.0, SMALLEST)
    return _in_the_middle(np.asarray(cloud.to_image())) if cloud.layout_ else None


def _laid_out(counts: Counter[str], share: float, largest: int) -> WordCloud:
    """The area of a phrase goes with its count, down to the smallest type that can be read."""
    most = max(counts.values())
    sizes = {phrase: max((count / most) ** 0.5, SMALLEST / largest) for phrase, count in counts.items()}

    def colour(word: str, **_: Any) -> str:
        depth = counts[word] / most if most > 1 else 0.5
        red, green, blue = (PALE + (DEEP - PALE) * depth).astype(int)
        return f"rgb({red}, {green}, {blue})"

    cloud = WordCloud(
        font_path=font_manager.findfont("DejaVu Sans"),
        width=round(WIDTH * share),
        height=round(HEIGHT * share),
        scale=SCALE,
        min_font_size=SMALLEST,
        max_font_size=largest,
        relative_scaling=1,
        prefer_horizontal=1.0,
        margin=16,  # ink stands up to a fifth of the type's size below the box that the library keeps free
        background_color="white",
        color_func=colour,
        random_state=0,  # only of where words go
    )
    return cloud.generate_from_frequencies(sizes)


def _is_true(cloud: WordCloud, counts: Counter[str]) -> bool:
    """Whether every phrase found room without being made smaller than its count says: equal counts, equal sizes."""
    if len(cloud.layout_) != len(counts):  # none at all, where the largest is wider than the canvas
        return False
    sizes: dict[int, set[int]] = {}
    for (phrase, _), size, *_ in cloud.layout_:
        sizes.setdefault(counts[phrase], set()).add(size)
    full = cloud.layout_[0][1] == cloud.max_font_size
    return full and all(len(found) == 1 for found in sizes.values())


def _in_the_middle(drawn: Image) -> Image:
    """The inked part of the image in the middle of a whole canvas."""
    rows, columns = (np.flatnonzero((drawn < 255).any(axis=(axis, 2))) for axis in (1, 0))
    inked = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    canvas = np.full((HEIGHT * SCALE, WIDTH * SCALE, 3), 255, np.uint8)
    top, left = (canvas.shape[0] - inked.shape[0]) // 2, (canvas.shape[1] - inked.shape[1]) // 2
    canvas[top : top + inked.shape[0], left : left + inked.shape[1]] = inked
    return canvas


def _single(domain: str, cloud: Image | None, counts: Counter[str], answers: int) -> Figure:
    drawn = Figure(figsize=(PANEL[0], PANEL[1]))
    _panel(drawn, (0, 0), domain, cloud, counts, answers)
    return drawn


def _sheet(images: dict[str, Image | None], clouds: dict[str, Counter[str]], answers: dict[str, int]) -> Figure:
    if not images:
        drawn = Figure(figsize=(style.PAGE, 1.0))
        drawn.text(0.5, 0.5, "no role arm answered MMLU", ha="center", va="center")
        return drawn
    rows = (len(images) + 1) // 2
    drawn = Figure(figsize=(2 * PANEL[0] + GAP, rows * PANEL[1] + (rows - 1) * GAP))
    for place, (domain, cloud) in enumerate(images.items()):
        row, column = divmod(place, 2)
        corner = (column * (PANEL[0] + GAP), (rows - 1 - row) * (PANEL[1] + GAP))
        _panel(drawn, corner, domain, cloud, clouds[domain], answers[domain])
    return drawn


def _panel(
    drawn: Figure, corner: tuple[float, float], domain: str, cloud: Image | None, counts: Counter[str], answers: int
) -> None:
    """A cloud below its heading, lower left corner at ``corner`` (inches); its pixels are those of the file."""
    width, height = drawn.get_size_inches()
    axes = drawn.add_axes((corner[0] / width, corner[1] / height, PANEL[0] / width, (PANEL[1] - HEADING) / height))
    heading = f"{domain.replace('_', ' ')}: {counts.total()} of {answers} answers name a role"
    top = (corner[1] + PANEL[1] - 0.05) / height
    drawn.text(corner[0] / width, top, heading, ha="left", va="top", fontsize=8)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(style.FAINT)
    if cloud is None:
        axes.text(0.5, 0.5, "the model wrote no role here", ha="center", va="center", transform=axes.transAxes)
    else:
        axes.imshow(cloud, interpolation="none", aspect="auto")


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})
