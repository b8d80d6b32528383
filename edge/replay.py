"""Replay recorded clips: labels, segments, accuracy against an annotation, a report.

A clip passes through the same rings, windows, engines and decisions as a live camera and microphone; only the source
differs. Without an annotation it prints the segments that it found.

example:
  egoact replay kitchen.mp4 garden.mp4 --annotations clips.csv --report runs/report

The annotation is a CSV with the columns video,start_s,end_s,label; `video` is the clip's file name.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from edge.annotations import read_annotations
from edge.bundle import SHIPPED, Bundle, load_bundle
from edge.contract import Prediction, RunResult, Segment
from edge.engines.start import BACKEND_CHOICES, start_engines
from edge.errors import EgoactError, UsageError
from edge.pipeline import Pipeline, Sink
from edge.plain import PlainView, score_lines
from edge.precision import AUTO
from edge.recognizer import Recognizer
from edge.report import report_data, write_report
from edge.score import Score, merge, score_run
from edge.sinks import JsonlSink
from edge.sources.replay import ReplaySource
from edge.text import printable


@dataclass(frozen=True)
class ReplayOptions:
    """What `egoact replay` was asked to do."""

    clips: tuple[Path, ...]
    bundle: Path = SHIPPED
    annotations: Path | None = None
    pace: Literal["realtime", "fast"] = "fast"
    precision: str = AUTO
    backend: str = AUTO
    threads: int | None = None
    jsonl: Path | None = None
    report: Path | None = None
    json: bool = False
    tui: bool = False


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("clips", nargs="+", type=Path, metavar="CLIP", help="a video file, with or without sound")
    add("--bundle", type=Path, default=SHIPPED, metavar="DIR", help="the model (default: the one that is built in)")
    add("--annotations", type=Path, metavar="CSV", help="score against this annotation")
    add("--pace", choices=("realtime", "fast"), help="real pace, or as fast as it goes (default; realtime with --tui)")
    add("--tui", action="store_true", help="show it in the terminal user interface")
    add(
        "--precision",
        default=AUTO,
        metavar="P",
        help="f32, bf16, int8, VIDEO+AUDIO such as int8+bf16, or auto: what the bundle's evidence chose (default)",
    )
    add("--backend", choices=BACKEND_CHOICES, default=AUTO, help="auto: TensorRT where its plans are (default)")
    add("--threads", type=int, metavar="N", help="processor threads of the engines (default: all cores)")
    add("--jsonl", type=Path, metavar="FILE", help="write every prediction and segment, one JSON object a line")
    add("--report", type=Path, metavar="DIR", help="write report.md, a timeline picture a clip, and report.json")
    add("--json", action="store_true", help="print one JSON object at the end and nothing else")


def run(args: argparse.Namespace) -> int:
    if args.threads is not None and args.threads < 1:
        raise UsageError(f"--threads {args.threads}: must be at least 1")
    if args.tui and args.json:
        raise UsageError("--tui and --json exclude each other: leave one of them out")
    options = {**vars(args), "clips": tuple(args.clips), "pace": args.pace or ("realtime" if args.tui else "fast")}
    return replay(ReplayOptions(**options))


def replay(options: ReplayOptions) -> int:
    """Replay all clips; a clip that fails is named and does not stop the others.

    Returns 0, or 1 when a clip failed.

    Raises:
        EgoactError: the bundle, the annotation, or the folder of the report cannot be used.
    """
    bundle = load_bundle(options.bundle)
    truths = read_annotations(options.annotations) if options.annotations else {}
    recognizer = _recognizer(bundle, options)
    view = None if options.json else PlainView(sys.stdout)
    jsonl = JsonlSink(options.jsonl, on_error=_complain) if options.jsonl else None
    played: list[_Played] = []
    if view is not None:
        view.title(f"bundle: {bundle.describe()}")
    try:
        for clip in options.clips:
            truth = truths.get(clip.name)
            if options.annotations and truth is None:
                _complain(f"{clip.name}: no rows of {options.annotations} name this clip; it is not scored")
            try:
                result = _play(clip, recognizer, options, truth or (), view, jsonl)
            except EgoactError as error:
                _complain(error)
                continue
            score = score_run(result, truth) if truth is not None else None
            played.append(_Played(result, score, truth or ()))
            if jsonl is not None:
                jsonl.run(result, score)
            if view is not None:
                view.summary(result, score)
    finally:
        if jsonl is not None:
            jsonl.close()
        recognizer.engines.close()
    _close(options, bundle, played, view)
    complete = len(played) == len(options.clips) and (jsonl is None or jsonl.error is None)
    return 0 if complete else 1


def _recognizer(bundle: Bundle, options: ReplayOptions) -> Recognizer:
    started = start_engines(bundle, options.precision, options.backend, threads=options.threads)
    if started.note is not None:
        _complain(f"on the CPU: {started.note}")
    return Recognizer(bundle, started.engines, temperature=started.temperature)


def _play(
    clip: Path,
    recognizer: Recognizer,
    options: ReplayOptions,
    truth: tuple[Segment, ...],
    view: PlainView | None,
    jsonl: JsonlSink | None,
) -> RunResult:
    source = ReplaySource(clip, recognizer.bundle.window, options.pace)
    sinks: list[Sink] = []
    if jsonl is not None:
        jsonl.start(clip.name)
        sinks.append(jsonl)
    if view is not None and not options.tui:
        sinks.append(_PlainSegments(view, clip.name, recognizer.bundle.labels))
    pipeline = Pipeline(source, recognizer, pace=options.pace, truth=truth, sinks=sinks)
    if not options.tui:
        return pipeline.run()
    from edge.tui.run import run_in_tui

    return run_in_tui(pipeline, exit_when_finished=True)


class _Played(NamedTuple):
    """One clip that was replayed to its end."""

    result: RunResult
    score: Score | None
    truth: tuple[Segment, ...]


class _PlainSegments:
    """Prints each segment as it closes, under the clip's name."""

    def __init__(self, view: PlainView, clip: str, labels: tuple[str, ...]) -> None:
        self._view = view
        self._clip: str | None = clip
        self._labels = labels

    def prediction(self, prediction: Prediction, labels: tuple[str, ...]) -> None:
        """A line a hop would be a flicker: only segments are printed."""

    def segment(self, segment: Segment) -> None:
        if self._clip is not None:
            self._view.title(self._clip)
            self._clip = None
        self._view.segment(segment, self._labels)

    def event(self, t_ns: int, text: str) -> None:
        """What a clip holds is said in the notes of its summary."""


def _close(options: ReplayOptions, bundle: Bundle, played: Sequence[_Played], view: PlainView | None) -> None:
    """Everything that is said once, after the last clip."""
    results, scores, truths = [p.result for p in played], [p.score for p in played], [p.truth for p in played]
    scored = [score for score in scores if score is not None]
    if view is not None and len(scored) > 1:
        view.title(f"all {len(scored)} annotated clips")
        for line in score_lines(merge(scored)):
            view.title(line)
    if options.report is not None and results:
        file = write_report(options.report, results, scores, bundle.describe(), truths)
        if view is not None:
            view.title(f"report: {file}")
    if options.json:
        print(json.dumps(report_data(results, scores, bundle.describe())))


def _complain(problem: EgoactError | str) -> None:
    print(f"egoact replay: {printable(str(problem))}", file=sys.stderr)
