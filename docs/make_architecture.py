"""Draws docs/pictures/architecture.svg: `python -m docs.make_architecture`. Its dark ground reads in both themes."""

from __future__ import annotations

from pathlib import Path

PICTURE = Path(__file__).parent / "pictures" / "architecture.svg"
WIDTH_PX, HEIGHT_PX = 1000, 400
GROUND, BOX, EDGE, TEXT, SOFT = "#0d1117", "#1c2533", "#58a6ff", "#f0f6fc", "#adbac7"

FLOW = (
    ("source", "frames, sound"),
    ("rings", "ticks, samples"),
    ("window", "1 row, 1 clip"),
    ("engines", "video, audio"),
    ("feature row", "kept in a ring"),
    ("head", "3 masked rows"),
    ("decide", "segments, JSONL"),
    ("views", "TUI, browser"),
)
"""What happens to a frame, and what it is there."""
PACKAGES = (("trainer", "learns the model"), ("calibration", "INT8 scales"), ("export", "ONNX, bundle, plans"))


def picture() -> str:
    """The SVG: the flow on the device above, the packages that make its bundle below."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" width="{WIDTH_PX}" '
        f'height="{HEIGHT_PX}" font-family="sans-serif" text-anchor="middle">',
        "<title>The flow of egoact</title>",
        f'<rect width="{WIDTH_PX}" height="{HEIGHT_PX}" rx="10" fill="{GROUND}"/>',
        '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0 8 4 0 8Z" fill="{EDGE}"/></marker>',
        _words(500, 32, "edge: on the device, no torch, imports nothing of ours", TEXT, 17),
    ]
    pitch, wide = 122, 104
    for index, (name, what) in enumerate(FLOW):
        x = 73 + index * pitch
        parts.append(_box(x, 86, wide, name, what))
        if index:
            parts.append(_arrow(x - pitch + wide / 2 + 1, 86, x - wide / 2 - 2, 86))
    spans = ((73, 195, "capture: a process a sensor"), (317, 805, "inference: one process"), (927, 927, "view"))
    for first, last, words in spans:
        left, right = first - wide / 2, last + wide / 2
        parts.append(f'<path d="M{left} 128v8H{right}v-8" fill="none" stroke="{SOFT}"/>')
        parts.append(_words((left + right) / 2, 156, words, SOFT, 13))
    parts.append(
        _words(330, 190, "processes of egoact live; a replay runs the same flow in threads of one process", SOFT, 13)
    )
    for index, (name, what) in enumerate(PACKAGES):
        parts.append(_box(200 + index * 220, 268, 170, name, what))
        if index:
            parts.append(_arrow(200 + index * 220 - 134, 268, 200 + index * 220 - 87, 268))
    parts.append(_box(860, 268, 130, "bundle", "graphs, manifest"))
    parts.append(_arrow(727, 268, 793, 268))
    parts.append(_arrow(860, 242, 700, 142))
    parts.append(_words(500, 336, "Arrows: what is handed on. Imports go the other way, and only so:", SOFT, 14))
    parts.append(_words(500, 362, "export → calibration → trainer → edge", TEXT, 17))
    return "\n".join([*parts, "</svg>", ""])


def _box(x: float, y: float, width: float, name: str, what: str) -> str:
    frame = f'<rect x="{x - width / 2}" y="{y - 26}" width="{width}" height="52" rx="6" fill="{BOX}" stroke="{EDGE}"/>'
    return frame + _words(x, y - 3, name, TEXT, 15) + _words(x, y + 16, what, SOFT, 11)


def _arrow(x0: float, y0: float, x1: float, y1: float) -> str:
    return f'<path d="M{x0} {y0} {x1} {y1}" stroke="{EDGE}" stroke-width="1.5" marker-end="url(#tip)"/>'


def _words(x: float, y: float, words: str, colour: str, size_px: int) -> str:
    return f'<text x="{x}" y="{y}" fill="{colour}" font-size="{size_px}">{words}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), "utf-8")
