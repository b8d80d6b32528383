"""Clips of one bundle in one precision: played, or taken from the results of a run before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge.annotations.truth import Truth
from edge.bundle import Bundle
from edge.contract import Prediction, RunResult, Segment
from edge.engines.start import start_engines
from edge.errors import EgoactError
from edge.pipeline import Pipeline, Sink
from edge.plain import PlainView
from edge.recognizer import Recognizer
from edge.recording.agreement import compare_with_live, moment_clip
from edge.replay.history import History
from edge.replay.options import ReplayOptions
from edge.replay.transport import Transport
from edge.rings import Rings
from edge.sinks import JsonlSink
from edge.sources.clip_files import find_clips
from edge.sources.replay import ReplaySource
from edge.verify.fingerprint import fingerprint
from edge.verify.run_store import RunStore

STORED = "runs"
"""Folder of the results, inside the folder of the report."""


class Player:
    """Owns the engines of one precision; close it when done."""

    def __init__(
        self,
        bundle: Bundle,
        precision: str,
        options: ReplayOptions,
        view: PlainView | None,
        jsonl: JsonlSink | None,
    ) -> None:
        """
        Raises:
            EgoactError: the precision cannot run here, or the bundle does not have it.
        """
        started = start_engines(bundle, precision, options.backend, threads=options.threads)
        self.name = started.precisions.key
        """What runs: 'f32', 'int8+bf16', 'trt-f16', ..."""
        self.note = started.note
        """Why the CPU stands in for a GPU; None when nothing needs to be said."""
        self._precisions, self._temperature = started.precisions, started.temperature
        self._recognizer = Recognizer(bundle, started.engines, temperature=started.temperature)
        self._bundle, self._options, self._view, self._jsonl = bundle, options, view, jsonl
        self._store = RunStore(options.report / STORED) if options.report and not options.tui else None

    def close(self) -> None:
        self._recognizer.engines.close()

    def play(self, clip: Path, truth: Truth | None = None) -> RunResult:
        """The result of a clip, or of a saved moment's folder.

        Raises:
            EgoactError: the clip cannot be read, or its result cannot be kept.
        """
        media = moment_clip(clip)
        if self._jsonl is not None:
            self._jsonl.start(clip.name)
        print_ = fingerprint(media, self._bundle, self._precisions, self._temperature, self._options.pace)
        # A moment's features are compared with the live ones, and the store does not keep them all.
        if self._store is not None and self._options.resume and media == clip:
            stored = self._store.load(clip.name, print_)
            if stored is not None:
                self._tell(stored)
                return stored
        result = self._run(clip, media, truth)
        if self._store is not None:
            self._store.save(clip.name, print_, result)
        if media != clip and self._view is not None:
            self._view.title(str(compare_with_live(clip, result)))
        return result

    def _run(self, clip: Path, media: Path, truth: Truth | None) -> RunResult:
        options, sinks = self._options, list[Sink]()
        segments = truth.segments if truth is not None else ()
        source = ReplaySource(media, self._bundle.window, options.pace)
        source.title = source.clip = clip.name
        if self._jsonl is not None:
            sinks.append(self._jsonl)
        if self._view is not None and not options.tui:
            sinks.append(_PlainSegments(self._view, clip.name, self._bundle.labels))
        if not options.tui:
            return Pipeline(source, self._recognizer, pace=options.pace, truth=segments, sinks=sinks).run()
        from edge.tui.run import run_in_tui

        rings = Rings(self._bundle.window)
        history = History(rings, truth, self._bundle.background_label)
        pipeline = Pipeline(
            source, self._recognizer, pace=options.pace, truth=segments, sinks=[*sinks, history], rings=rings
        )
        history.look = lambda: pipeline.snapshot(picture=False)

        def hurry() -> None:
            source.hurry()
            pipeline.hurry()

        transport = Transport(
            lambda picture: pipeline.snapshot(picture=picture), history, lambda: source.duration_ns, hurry
        )
        return run_in_tui(pipeline, transport)

    def _tell(self, result: RunResult) -> None:
        """What the sinks would have heard of a result that is there already."""
        if self._view is not None:
            self._view.title(f"{result.clip}: taken from {self._options.report}")
        if self._jsonl is not None:
            for prediction in result.predictions:
                self._jsonl.prediction(prediction, result.labels)
            for segment in result.segments:
                self._jsonl.segment(segment)


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


def expand(clips: Sequence[Path]) -> tuple[Path, ...]:
    """Folders as the clips below them, in order of name; a moment's folder, a file, and what is missing as they are."""
    found: dict[Path, None] = {}
    for clip in clips:
        try:
            is_folder = clip.is_dir() and moment_clip(clip) == clip
        except EgoactError:
            is_folder = True
        found.update(dict.fromkeys(find_clips([clip]) if is_folder else (clip,)))
    return tuple(found)
