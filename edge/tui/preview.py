"""The newest frame as half blocks: two pixels a cell, four bits a colour channel."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment as Run
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from edge.contract import Snapshot

_LARGEST_SHARE = 0.45
"""Most of the width that the preview may take."""


class PreviewPanel(Widget):
    """Square picture that fills the height; takes every second snapshot (at most 5 pictures a second)."""

    def __init__(self, *, id: str | None = None, classes: str = "") -> None:
        super().__init__(id=id, classes=classes)
        self._newest: NDArray[np.uint8] | None = None
        self._image: NDArray[np.uint8] | None = None
        self._strips: list[Strip] = []
        self._shows = 0
        self.border_title = "camera"

    def show(self, snapshot: Snapshot) -> None:
        """Take the newest snapshot."""
        self._shows += 1
        self._newest = snapshot.preview
        if not self.display or snapshot.preview is self._image or (self._shows % 2 == 0 and not snapshot.finished):
            return
        self._image = snapshot.preview
        self._paint()

    def on_mount(self) -> None:
        # The margin has the theme's colour.
        self.app.theme_changed_signal.subscribe(self, lambda _: self.call_after_refresh(self._paint))

    def on_resize(self) -> None:
        # Also how a panel that was hidden comes back.
        self._image = self._newest
        self._paint()

    def get_content_width(self, container: Size, viewport: Size) -> int:
        height = container.height - self.gutter.height
        return max(1, min(2 * height, int(container.width * _LARGEST_SHARE)))

    def render_line(self, y: int) -> Strip:
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width, self.rich_style)

    def _paint(self) -> None:
        width, height = self.size
        self._strips = []
        if self._image is not None and width > 0 and height > 0:
            side = min(width, 2 * height) // 2 * 2
            margin_x, margin_y = (width - side) // 2, (height - side // 2) // 2
            blank = Strip.blank(width, self.rich_style)
            rows = [picture_strip(pair, margin_x, width, self.rich_style) for pair in cell_colours(self._image, side)]
            self._strips = [blank] * margin_y + rows
        self.refresh()


def cell_colours(image: NDArray[np.uint8], side_px: int) -> NDArray[np.uint16]:
    """Shrink RGB uint8 [H, W, 3] to side x side pixels of four bits a channel: uint16 [side / 2, side, 2] (0xRGB).

    The last axis holds the upper and the lower pixel of a cell. Each pixel is the mean of four samples.
    """
    centres = (np.arange(2 * side_px) + 0.5) / (2 * side_px)
    rows, columns = ((centres * length).astype(int) for length in image.shape[:2])
    samples = image[rows][:, columns].reshape(side_px, 2, side_px, 2, 3).astype(np.uint16)
    levels = samples.sum(axis=(1, 3)) >> 6
    codes = (levels[..., 0] << 8) | (levels[..., 1] << 4) | levels[..., 2]
    return codes.reshape(side_px // 2, 2, side_px).transpose(0, 2, 1)


def picture_strip(cells: NDArray[np.uint16], margin: int, width: int, blank_style: Style) -> Strip:
    """One row of half blocks from uint16 [side, 2], padded to `width`; cells of equal colours share a run."""
    changed = np.flatnonzero((cells[1:] != cells[:-1]).any(axis=1)) + 1
    edges = [0, *changed.tolist(), len(cells)]
    runs = [Run(" " * margin, blank_style)] if margin else []
    for start, end in pairwise(edges):
        runs.append(Run("▀" * (end - start), _cell_style(int(cells[start, 0]), int(cells[start, 1]))))
    rest = width - margin - len(cells)
    if rest > 0:
        runs.append(Run(" " * rest, blank_style))
    return Strip(runs, width)


@lru_cache(maxsize=16_384)
def _cell_style(upper: int, lower: int) -> Style:
    return Style(color=_colour(upper), bgcolor=_colour(lower))


@lru_cache(maxsize=4096)
def _colour(code: int) -> Color:
    return Color.from_rgb(17 * (code >> 8), 17 * (code >> 4 & 15), 17 * (code & 15))
