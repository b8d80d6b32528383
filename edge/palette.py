"""One colour a label, the same in the TUI, the plain lines and the report."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from functools import lru_cache

NEUTRAL_COLOUR = "#8b929c"
"""Background and 'unknown': no action is claimed."""
INK_COLOUR = "#101418"
"""Text on any label colour: every label colour is light enough for it."""

_GOLDEN_ANGLE_DEG = 137.508
_LIGHTNESS = (0.80, 0.72, 0.86)
_CHROMA = 0.115


def label_colour(label: str, labels: Sequence[str], neutral: Sequence[str | None] = ("unknown",)) -> str:
    """'#rrggbb' of a label: set by its place among the bundle's labels, so that it never changes between clips.

    Labels in `neutral` are grey; a label that the bundle does not know takes a colour from its own letters.
    """
    if label in neutral:
        return NEUTRAL_COLOUR
    index = labels.index(label) if label in labels else 1000 + zlib.crc32(label.encode("utf-8", "replace")) % 1000
    return _indexed_colour(index)


@lru_cache(maxsize=512)
def _indexed_colour(index: int) -> str:
    hue_rad = math.radians(25 + index * _GOLDEN_ANGLE_DEG)
    return _oklch_to_hex(_LIGHTNESS[index % len(_LIGHTNESS)], _CHROMA, hue_rad)


def _oklch_to_hex(lightness: float, chroma: float, hue_rad: float) -> str:
    """sRGB of an OKLCH colour, clipped to the gamut (Ottosson, "A perceptual color space for image processing")."""
    a, b = chroma * math.cos(hue_rad), chroma * math.sin(hue_rad)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * _srgb_gamma(min(max(value, 0.0), 1.0))):02x}" for value in linear)


def _srgb_gamma(linear: float) -> float:
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
