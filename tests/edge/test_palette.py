from __future__ import annotations

import re

from edge.palette import INK_COLOUR, NEUTRAL_COLOUR, label_colour

LABELS = tuple(f"verb-{n}" for n in range(60))


def contrast(a: str, b: str) -> float:
    """Contrast ratio of two sRGB colours (WCAG 2.1, relative luminance)."""

    def luminance(colour: str) -> float:
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_sixty_labels_have_sixty_colours_on_which_text_can_be_read() -> None:
    colours = [label_colour(label, LABELS) for label in LABELS]
    assert len(set(colours)) == 60
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)
    assert min(contrast(colour, INK_COLOUR) for colour in colours) > 4.5  # WCAG AA for text


def test_a_label_keeps_its_colour_whichever_others_occur() -> None:
    assert label_colour("verb-3", LABELS) == label_colour("verb-3", LABELS[:10])


def test_unknown_and_background_are_grey_and_foreign_labels_are_not() -> None:
    assert label_colour("unknown", LABELS) == NEUTRAL_COLOUR
    assert label_colour("verb-0", LABELS, ("verb-0",)) == NEUTRAL_COLOUR
    assert label_colour("juggle", LABELS) == label_colour("juggle", LABELS) != NEUTRAL_COLOUR
