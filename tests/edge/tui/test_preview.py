from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rich.style import Style

from edge.tui.preview import PreviewPanel, cell_colours, picture_strip
from tests.edge.snapshots import picture, snapshot
from tests.edge.tui.screens import staged


@pytest.mark.parametrize("size_px", [8, 64, 128, 255, 256])
def test_a_picture_shrinks_to_its_four_bit_colours_in_place(size_px: int) -> None:
    image = np.zeros((size_px, size_px, 3), np.uint8)
    half = size_px // 2
    image[: half + 1, : half + 1] = (255, 0, 0)
    image[half:, half:] = (16, 32, 250)
    image[: half - 1, half + 1 :] = 0
    cells = cell_colours(image, 4)
    assert cells.shape == (2, 4, 2)
    assert cells[0, 0].tolist() == [0xF00, 0xF00]
    assert cells[1, 3].tolist() == [0x12F, 0x12F]
    assert cells[0, 3].tolist()[0] == 0


def test_upper_and_lower_pixel_share_a_cell() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    image[0] = 255
    assert cell_colours(image, 2).tolist() == [[[0xFFF, 0x000], [0xFFF, 0x000]]]


def test_a_strip_joins_equal_cells_and_keeps_its_width() -> None:
    cells = np.array([[1, 2], [1, 2], [3, 2], [3, 2]], np.uint16)
    strip = picture_strip(cells, margin=2, width=9, blank_style=Style())
    assert [run.text for run in strip] == ["  ", "▀▀", "▀▀", "   "]
    assert strip.cell_length == 9


async def test_the_preview_takes_at_most_every_second_snapshot() -> None:
    async with staged(snapshot(24.0)) as stage:
        panel = stage.app.query_one(PreviewPanel)
        painted: list[None] = []
        panel._paint = lambda: painted.append(None)  # type: ignore[method-assign]
        for step in range(10):
            panel.show(replace(snapshot(24.0), preview=picture(float(step))))
        assert len(painted) == 5


async def test_a_hidden_preview_paints_nothing() -> None:
    async with staged(snapshot(24.0), (80, 24)) as stage:
        panel = stage.app.query_one(PreviewPanel)
        for step in range(4):
            panel.show(replace(snapshot(24.0), preview=picture(float(step))))
        assert panel._image is None
