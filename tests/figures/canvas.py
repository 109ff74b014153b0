"""Which texts of a figure stand beyond its canvas."""

from matplotlib.figure import Figure
from matplotlib.text import Text


def beyond(figure: Figure) -> list[str]:
    """Texts that are cut off; tick labels beyond an axis' limits are never drawn."""
    figure.draw_without_rendering()
    hidden = {
        tick.label1
        for axes in figure.axes
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, sorted(axes.get_ylim())))
        for tick in axis.get_major_ticks()
        if not low <= tick.get_loc() <= high
    }
    found = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible() and text not in hidden]
    boxes = [(text.get_text(), text.get_window_extent()) for text in found]
    right, top = figure.bbox.x1 + 1, figure.bbox.y1 + 1
    return [text for text, box in boxes if box.x0 < -1 or box.x1 > right or box.y0 < -1 or box.y1 > top]
