"""Label colours on a light theme: they are made to carry dark text, and too pale to be read as letters on paper."""

from __future__ import annotations

import re
from functools import lru_cache

_BRIGHTEST = 0.11
"""Relative luminance that has a contrast of 4.5 with the darkest ground of the light theme, its track (WCAG 2.1)."""
_SATURATION = 2.0
_FOREGROUND = re.compile(r"^((?:bold )?)#([0-9a-f]{6})")


@lru_cache(maxsize=1024)
def on_light(style: str) -> str:
    """The style with its foreground, where that is '#rrggbb', dark enough to be read; its hue stays."""
    return _FOREGROUND.sub(lambda found: f"{found[1]}#{_darkened(found[2])}", style)


def _darkened(rrggbb: str) -> str:
    linear = [_linear(int(rrggbb[at : at + 2], 16) / 255) for at in (0, 2, 4)]
    if _luminance(linear) <= _BRIGHTEST:
        return rrggbb
    # Dark pastels look alike: the power drives the channels apart before they are scaled.
    linear = [value**_SATURATION for value in linear]
    luminance = _luminance(linear)
    return "".join(f"{int(255 * _encoded(value * _BRIGHTEST / luminance)):02x}" for value in linear)


def _luminance(linear: list[float]) -> float:
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _linear(value: float) -> float:
    return float(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)


def _encoded(linear: float) -> float:
    return float(12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055)
