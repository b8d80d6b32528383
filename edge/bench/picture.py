"""A report as a picture (SVG 1.1): bars of medians with their tails, or the stages of the label age."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from edge.bench.engine_bench import EngineBench
from edge.bench.engine_tables import milliseconds, speed_up
from edge.bench.pipeline_bench import PipelineBench
from edge.bench.report import BenchReport
from edge.bundle import GRAPHS
from edge.text import cut, printable

_WIDTH_PX = 1000
_LEFT_PX, _RIGHT_PX = 250, 210
_TITLE_PX, _BAR_PX, _GAP_PX = 58, 18, 7
_COLOURS = {"f32": "#7d8793", "bf16": "#d98e2b", "f16": "#8a63c9", "int8": "#2f9e63"}
_STAGE_COLOURS = ("#c4cbd3", "#9aa4af", "#2f6fb5", "#d98e2b", "#c8553d", "#8a63c9", "#2f9e63")
_STYLE = """
text { font: 12.5px "DejaVu Sans", Verdana, "Segoe UI", sans-serif; fill: #2b3138; }
.paper { fill: #ffffff; stroke: #d5dae0; }
.title { font-size: 16px; font-weight: bold; }
.soft { fill: #66707b; }
.tail { stroke: #2b3138; stroke-width: 1.2; }
@media (prefers-color-scheme: dark) {
text { fill: #dfe4ea; }
.paper { fill: #15191e; stroke: #2e353d; }
.soft { fill: #97a1ac; }
.tail { stroke: #dfe4ea; }
}
"""


def picture(report: BenchReport) -> str:
    """SVG text; engines as bars, one group an engine; pipelines as stages, one bar each."""
    body: list[str] = []
    top = _TITLE_PX
    for name in GRAPHS:
        group = [bench for bench in report.engines if bench.engine == name]
        if group:
            body += _engines(name, group, report.engines, top)
            top += len(group) * (_BAR_PX + _GAP_PX) + 40
    for bench in report.pipeline:
        body += _stages(bench, top)
        top += 130
    machine = report.machine
    told = cut(f"{machine.board or machine.processor}, {machine.cores} cores; {report.bundle}", 130)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH_PX} {top + 10}" width="{_WIDTH_PX}" '
            f'height="{top + 10}" role="img">',
            f"<title>{escape(f'egoact bench: {report.kind}')}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" x="0.5" y="0.5" width="{_WIDTH_PX - 1}" height="{top + 9}" rx="8"/>',
            _words(20, 28, f"egoact bench: {report.kind}", "title"),
            _words(20, 47, told, "soft"),
            *body,
            "</svg>\n",
        ]
    )


def _engines(name: str, group: Sequence[EngineBench], every: Sequence[EngineBench], top: float) -> Iterator[str]:
    scale = _scale(max(bench.total.p90 for bench in group))
    yield _words(20, top + 14, f"{name}: median of a call, its tail to p90 (ms)", "soft")
    for at, bench in enumerate(sorted(group, key=lambda b: b.total.median)):
        y = top + 24 + at * (_BAR_PX + _GAP_PX)
        middle = y + _BAR_PX / 2
        yield _words(_LEFT_PX - 10, middle + 4.5, bench.candidate.name, anchor="end")
        width = bench.total.median * scale
        yield _bar(_LEFT_PX, y, width, _COLOURS.get(bench.precision, "#7d8793"))
        end = _LEFT_PX + bench.total.p90 * scale
        yield f'<line class="tail" x1="{_LEFT_PX + width:.1f}" y1="{middle}" x2="{end:.1f}" y2="{middle}"/>'
        ratio = speed_up(bench, every)
        told = milliseconds(bench.total.median) + (f" ms, {ratio.ratio:.2f} x f32" if ratio else " ms")
        yield _words(end + 8, middle + 4.5, told)


def _stages(bench: PipelineBench, top: float) -> Iterator[str]:
    scale = _scale(bench.ages.age.mean)
    yield _words(20, top + 14, f"{bench.clip}: label age at real pace, {bench.precision}, by stage (mean, ms)", "soft")
    x, y = float(_LEFT_PX), top + 26
    yield _words(_LEFT_PX - 10, y + 17, "label age", anchor="end")
    for at, (name, stage) in enumerate(bench.ages.stages.items()):
        width = max(0.0, stage.mean * scale)
        yield _bar(x, y, width, _STAGE_COLOURS[at % len(_STAGE_COLOURS)], f"{name} {milliseconds(stage.mean)} ms", 26)
        x += width
    yield _words(_LEFT_PX + bench.ages.age.mean * scale + 8, y + 17, f"{milliseconds(bench.ages.age.mean)} ms")
    x = 20.0
    for at, (name, stage) in enumerate(bench.ages.stages.items()):
        yield _bar(x, y + 44, 12, _STAGE_COLOURS[at % len(_STAGE_COLOURS)], height=12)
        yield _words(x + 17, y + 54.5, f"{name} {milliseconds(stage.mean)}")
        x += 130


def _scale(largest_ms: float) -> float:
    return (_WIDTH_PX - _LEFT_PX - _RIGHT_PX) / max(largest_ms, 1e-6)


def _bar(x: float, y: float, width: float, colour: str, tip: str = "", height: float = _BAR_PX) -> str:
    tip = f"<title>{escape(tip)}</title>" if tip else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" rx="2" fill="{colour}">{tip}</rect>'


def _words(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(printable(text))}</text>'
