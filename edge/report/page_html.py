"""report.html: one file without scripts, and nothing in it comes from the network; pictures are inside it."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from edge.contract import NS_PER_S
from edge.plain import clock_text, percent
from edge.report.moments import WorstMoment, thumbnail
from edge.report.pages import Pages
from edge.report.table import html, table_html

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2127; --soft: #66707b; --line: #d5dae0; --fill: #f3f5f7;
  --right: 60, 160, 90; --wrong: 214, 90, 70; }
@media (prefers-color-scheme: dark) { :root { --paper: #15191e; --ink: #dfe4ea; --soft: #97a1ac; --line: #2e353d;
  --fill: #20262d; } }
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Verdana, sans-serif;
  max-width: 1200px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; } p { color: var(--soft); max-width: 75ch; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 10px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
thead th { background: var(--fill); } th:first-child { text-align: left; font-weight: 500; }
.confusion td { text-align: center; padding: 3px 7px; }
td.right { background: rgba(var(--right), var(--share)); } td.wrong { background: rgba(var(--wrong), var(--share)); }
.moments { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 14px; }
figure { margin: 0; } figure img { width: 100%; border-radius: 6px; } figcaption { font-size: 13px; }
img.timeline { width: 100%; height: auto; } .row { display: flex; flex-wrap: wrap; gap: 20px; }
"""


def report_html(content: Pages) -> str:
    """Text of report.html."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
            "style-src 'unsafe-inline'\">",
            f"<title>egoact report</title><style>{_STYLE}</style></head><body>",
            "<h1>egoact report</h1>",
            f"<p>Bundle: {html(content.bundle)}</p>",
            *(line for table in content.tables for line in table_html(table)),
            *_reliability(content),
            *_worst(content),
            *_clips(content),
            "</body></html>\n",
        ]
    )


def _reliability(content: Pages) -> Iterator[str]:
    if not content.reliability:
        return
    yield "<h2>Reliability</h2>"
    yield "<p>How often a label of each confidence was right; on the dashed line a confidence is what it says.</p>"
    yield '<div class="row">'
    for name, svg in content.reliability.items():
        image = f'<img alt="reliability diagram" src="{_svg_uri(svg)}">'
        yield f"<figure>{image}<figcaption>{html(name)}</figcaption></figure>"
    yield "</div>"


def _worst(content: Pages) -> Iterator[str]:
    if not content.worst:
        return
    of = f", {html(content.worst_of)}" if content.worst_of else ""
    yield f"<h2>Worst moments{of}</h2><p>Wrong labels that were said the longest and the surest.</p>"
    yield '<div class="moments">'
    for moment in content.worst:
        yield from _moment(moment)
    yield "</div>"


def _moment(m: WorstMoment) -> Iterator[str]:
    picture = thumbnail(m.media, m.middle_ns)
    image = f'<img alt="frame in the middle of the moment" src="{picture}">' if picture else ""
    time = f"{clock_text(m.start_ns / NS_PER_S)} - {clock_text(m.end_ns / NS_PER_S)}"
    yield f"<figure>{image}<figcaption>said <b>{html(m.said)}</b> ({percent(m.confidence)}), annotated "
    yield f"<b>{html(m.truth)}</b><br>{html(m.clip)}, {time}</figcaption></figure>"


def _clips(content: Pages) -> Iterator[str]:
    for clip in content.clips:
        yield f"<h2>{html(clip.title)}</h2>"
        yield f'<img class="timeline" alt="what egoact said over time" src="{_svg_uri(clip.timeline)}">'
        yield f"<p>Stages (median ms): {html(clip.stages)}.</p>"
        if clip.notes:
            yield "<ul>" + "".join(f"<li>{html(note)}</li>" for note in clip.notes) + "</ul>"
        if clip.segments.rows:
            yield "<details><summary>Segments</summary>"
            yield from table_html(clip.segments)
            yield "</details>"


def _svg_uri(svg: str) -> str:
    # As a picture, an SVG keeps its style to itself and runs nothing.
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
