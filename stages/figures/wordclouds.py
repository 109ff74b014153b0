"""Figure 4: the roles a model invented, one word cloud for each domain; size and depth of colour by frequency."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from wordcloud import WordCloud

from stages.figures import style
from stages.figures.slug import slug
from stages.files import replacing

MOST = 40  # phrases in one cloud
WIDTH, HEIGHT, SCALE = 420, 240, 2  # pixels in which words are laid out, and how much finer they are drawn
SHARES = (0.45, 0.6, 0.75, 0.9, 1.0)  # parts of the canvas that are tried, in each direction
SMALLEST, LARGEST = 9, 34  # font sizes
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
    """The cloud as an array [height, width, 3]; None where there is nothing to show.

    Laid out in the smallest part of the canvas that holds all phrases at full size, so that a few do not lie scattered,
    and set in the middle.
    """
    if not counts:
        return None
    clouds = (_laid_out(counts, share) for share in SHARES)
    cloud = next((cloud for cloud in clouds if _holds_all(cloud, counts)), None) or _laid_out(counts, SHARES[-1])
    return _in_the_middle(np.asarray(cloud.to_image()))


def _laid_out(counts: Counter[str], share: float) -> WordCloud:
    most = max(counts.values())

    def colour(word: str, **_: Any) -> str:
        depth = (counts[word] / most) if most > 1 else 0.5
        red, green, blue = (PALE + (DEEP - PALE) * depth).astype(int)
        return f"rgb({red}, {green}, {blue})"

    cloud = WordCloud(
        font_path=font_manager.findfont("DejaVu Sans"),
        width=round(WIDTH * share),
        height=round(HEIGHT * share),
        scale=SCALE,
        max_words=MOST,
        min_font_size=SMALLEST,
        max_font_size=LARGEST,
        relative_scaling=0.6,
        prefer_horizontal=1.0,
        margin=8,
        background_color="white",
        color_func=colour,
        random_state=0,  # only of where words go
    )
    return cloud.generate_from_frequencies(dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))))


def _holds_all(cloud: WordCloud, counts: Counter[str]) -> bool:
    return len(cloud.layout_) == min(len(counts), MOST) and cloud.layout_[0][1] == LARGEST


def _in_the_middle(drawn: Image) -> Image:
    """The inked part of the image in the middle of a whole canvas."""
    rows, columns = (np.flatnonzero((drawn < 255).any(axis=(axis, 2))) for axis in (1, 0))
    inked = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    canvas = np.full((HEIGHT * SCALE, WIDTH * SCALE, 3), 255, np.uint8)
    top, left = (canvas.shape[0] - inked.shape[0]) // 2, (canvas.shape[1] - inked.shape[1]) // 2
    canvas[top : top + inked.shape[0], left : left + inked.shape[1]] = inked
    return canvas


def _single(domain: str, cloud: Image | None, counts: Counter[str], answers: int) -> Figure:
    drawn = Figure(figsize=(style.COLUMN, style.COLUMN * HEIGHT / WIDTH + 0.3), layout="constrained")
    _panel(drawn.subplots(), domain, cloud, counts, answers)
    return drawn


def _sheet(images: dict[str, Image | None], clouds: dict[str, Counter[str]], answers: dict[str, int]) -> Figure:
    if not images:
        drawn = Figure(figsize=(style.PAGE, 1.0))
        drawn.text(0.5, 0.5, "no role arm answered MMLU", ha="center", va="center")
        return drawn
    rows = (len(images) + 1) // 2
    panel = style.PAGE / 2 * HEIGHT / WIDTH + 0.28
    drawn = Figure(figsize=(style.PAGE, panel * rows), layout="constrained")
    panels = drawn.subplots(rows, 2, squeeze=False).ravel()
    for axes, (domain, cloud) in zip(panels, images.items(), strict=False):
        _panel(axes, domain, cloud, clouds[domain], answers[domain])
    for axes in panels[len(images) :]:
        axes.set_axis_off()
    return drawn


def _panel(axes: Axes, domain: str, cloud: Image | None, counts: Counter[str], answers: int) -> None:
    axes.set_title(f"{domain.replace('_', ' ')}: {counts.total()} of {answers} answers name a role", loc="left")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(style.FAINT)
    if cloud is None:
        axes.text(0.5, 0.5, "the model wrote no role here", ha="center", va="center", transform=axes.transAxes)
        axes.set_box_aspect(HEIGHT / WIDTH)
    else:
        axes.imshow(cloud, interpolation="lanczos")


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=200, metadata={"Software": None})
