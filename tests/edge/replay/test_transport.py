"""Playing, seeking and errors of a replay that is watched: on a made-up clock, and with a real pipeline."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from edge.annotations.truth import Truth
from edge.bundle import Bundle, load_bundle
from edge.clock import Clock
from edge.contract import NS_PER_S, RunResult, Segment, Snapshot
from edge.engines.load import load_engines
from edge.pipeline import Pipeline
from edge.playback import Disagreement
from edge.recognizer import Recognizer
from edge.replay.history import History
from edge.replay.transport import Transport
from edge.rings import Rings
from edge.sources.base import Source
from edge.sources.replay import ReplaySource
from tests.edge.fake_source import FakeSource, stream
from tests.edge.snapshots import snapshot
from tests.media import make_clip
from tests.tiny_bundle import SPEC, make_bundle

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
S = NS_PER_S


class Told:
    """A history that was computed so far, told by the test."""

    def __init__(self) -> None:
        self.computed_ns = 0
        self.disagreements: tuple[Disagreement, ...] = ()

    def at(self, position_ns: int) -> Snapshot | None:
        return replace(snapshot(24.0), stream_ns=position_ns) if position_ns >= S else None


class Deck:
    """A transport, its clock and what it asked for."""

    def __init__(self, duration_s: float | None = 60.0) -> None:
        self.history, self.now_ns, self.hurries, self.finished = Told(), 0, 0, False
        duration_ns = None if duration_s is None else round(duration_s * S)
        self.transport = Transport(
            lambda picture: replace(snapshot(24.0), stream_ns=self.history.computed_ns, finished=self.finished),
            self.history,  # type: ignore[arg-type]
            lambda: duration_ns,
            self._hurry,
            lambda: self.now_ns,
        )

    def _hurry(self) -> None:
        self.hurries += 1

    def after(self, seconds: float, computed_s: float | None = None) -> float:
        """The position in s that is shown so much later."""
        if computed_s is not None:
            self.history.computed_ns = round(computed_s * S)
        self.now_ns += round(seconds * S)
        shown = self.transport.latest()
        assert shown.playback is None or shown.playback.position_ns == shown.stream_ns
        return shown.stream_ns / S


def test_until_somebody_steers_the_view_follows() -> None:
    deck = Deck()
    assert deck.after(1.0, computed_s=1.0) == 1.0
    assert deck.after(1.0, computed_s=2.0) == 2.0
    assert deck.transport.latest().playback is None
    deck.finished = True
    assert deck.transport.latest().finished


def test_back_and_on_at_real_pace() -> None:
    deck = Deck()
    deck.after(20.0, computed_s=20.0)
    deck.transport.seek(-5)
    assert deck.after(0.0) == 15.0
    assert deck.after(2.0, computed_s=22.0) == 17.0
    deck.transport.seek(4)
    assert deck.after(0.0) == 21.0
    deck.transport.seek(-100)
    assert deck.after(0.0) == 0.0
    assert deck.hurries == 0, "nothing was asked for that is not there"


def test_pause_stands_still() -> None:
    deck = Deck()
    deck.after(20.0, computed_s=20.0)
    deck.transport.pause()
    assert deck.after(3.0, computed_s=23.0) == 20.0
    deck.transport.pause()
    assert deck.after(1.0) == 21.0


def test_a_place_that_is_not_computed_yet_is_waited_for() -> None:
    deck = Deck()
    deck.after(20.0, computed_s=20.0)
    deck.transport.seek(30)
    assert deck.hurries == 1
    assert deck.after(0.1, computed_s=30.0) == 30.0
    playback = deck.transport.latest().playback
    assert playback is not None
    assert playback.waiting == "computing"
    assert deck.after(0.1, computed_s=58.0) == 50.0
    assert deck.after(1.0) == 51.0, "from there on it plays"


def test_the_end_of_a_clip_of_unknown_length() -> None:
    deck = Deck(duration_s=None)
    deck.after(20.0, computed_s=20.0)
    deck.transport.go_to(2**62)
    assert deck.after(0.1, computed_s=40.0) == 40.0
    deck.finished = True
    assert deck.after(0.1) == 40.0
    assert deck.transport.latest().playback.waiting == ""  # type: ignore[union-attr]
    assert not deck.transport.latest().finished, "whoever looks around is not thrown out"


def test_speed_has_bounds_and_more_than_one_leaves_the_real_pace() -> None:
    deck = Deck()
    deck.after(20.0, computed_s=20.0)
    deck.transport.seek(-20)
    deck.transport.change_speed(0.5)
    assert deck.after(2.0) == 1.0
    assert deck.hurries == 0
    deck.transport.change_speed(4.0)
    assert deck.after(2.0) == 5.0
    assert deck.hurries == 1
    for _ in range(9):
        deck.transport.change_speed(2.0)
    assert deck.after(0.5) == 13.0
    assert deck.after(10.0) == 20.0, "not beyond what is computed"


def error(shown_s: float) -> Disagreement:
    return Disagreement(round((shown_s - 1) * S), round(shown_s * S), round(shown_s * S), "cut", "mix")


def test_errors_forwards_and_backwards() -> None:
    deck = Deck()
    deck.after(20.0, computed_s=20.0)
    deck.history.disagreements = (error(5.0), error(12.0))
    deck.transport.next_disagreement(-1)
    assert deck.after(3.0) == 12.0, "it stands still there"
    deck.transport.next_disagreement(-1)
    deck.transport.next_disagreement(-1)
    assert deck.after(0.0) == 5.0, "there is none before it"
    deck.transport.next_disagreement(1)
    assert deck.after(0.0) == 12.0
    assert deck.hurries == 0
    assert deck.transport.latest().playback.here == error(12.0)  # type: ignore[union-attr]


def test_an_error_that_is_not_known_yet_is_looked_for() -> None:
    """Many labels are computed between two looks: the first error among them counts."""
    deck = Deck()
    deck.after(20.0, computed_s=20.0)
    deck.transport.next_disagreement(1)
    assert deck.hurries == 1
    assert deck.after(0.1, computed_s=30.0) == 30.0
    assert deck.transport.latest().playback.waiting == "looking for the next error"  # type: ignore[union-attr]
    deck.history.disagreements = (error(31.0), error(38.0))
    assert deck.after(0.1, computed_s=40.0) == 31.0
    deck.finished = True
    deck.transport.go_to(39 * S)
    deck.transport.next_disagreement(1)
    assert deck.after(0.0) == 39.0, "there is none any more"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(make_bundle(tmp_path_factory.mktemp("bundle") / "tiny").path)


COLOURS = [RED] * 120 + [GREEN] * 120 + [BLUE] * 120
TRUTH = Truth((Segment(0, 4 * S, "red", 1.0), Segment(4 * S, 8 * S, "red", 1.0), Segment(8 * S, 12 * S, "blue", 1.0)))


def test_a_history_gives_back_what_was_shown(bundle: Bundle) -> None:
    pipeline, history = watched(FakeSource(stream(SPEC, COLOURS, sound=0.02)), bundle, "fast")
    result = pipeline.run()
    assert history.at(SPEC.tick_ns(SPEC.row_frames) - 1) is None, "the first row is not complete"
    for row, said in zip(result.rows, result.predictions, strict=True):
        moment_ns = SPEC.tick_ns(row.start_tick + SPEC.row_frames)
        shown = history.at(moment_ns)
        assert shown is not None
        assert shown.prediction is said
        assert shown.sound_level_db == pytest.approx(20 * np.log10(0.02), abs=0.1)
        before = history.at(moment_ns - 1)
        assert before is None or before.prediction is not said
    assert history.computed_ns == moment_ns
    green = history.at(6 * S)
    assert green is not None
    assert green.preview is not None
    assert np.abs(green.preview[8, 8].astype(int) - GREEN).max() < 12
    assert [segment.label for segment in green.closed_segments] == ["red"], "blue has not come yet"
    assert len(result.segments) > 1
    wrong = [d for d in history.disagreements if d.annotated == "red" and d.said == "green"]
    assert len(wrong) == 1
    assert 3.5 < wrong[0].start_ns / S < 4.7
    assert 7.3 < wrong[0].end_ns / S < 8.6
    assert wrong[0].shown_ns > wrong[0].start_ns


def watched(source: Source, bundle: Bundle, pace: Literal["realtime", "fast"]) -> tuple[Pipeline, History]:
    rings = Rings(SPEC)
    history = History(rings, TRUTH, bundle.background_label)
    recognizer = Recognizer(bundle, load_engines(bundle, threads=1), temperature=1.0)
    pipeline = Pipeline(source, recognizer, pace=pace, sinks=(history,), rings=rings)
    history.look = lambda: pipeline.snapshot(picture=False)
    return pipeline, history


def said(result: RunResult) -> list[object]:
    """All that a run computed and said."""
    rows = [(r.start_tick, r.appearance.tobytes(), r.motion.tobytes()) for r in result.rows]
    labels = [(p.start_ns, p.end_ns, p.label, p.probabilities.tobytes()) for p in result.predictions]
    return [*rows, *labels, *result.segments]


def test_looking_around_changes_no_result(bundle: Bundle) -> None:
    """Rows, labels and segments of a run in which a user seeks, hurries and looks for errors: an undisturbed one's."""

    def run(*, steered: bool) -> list[object]:
        pipeline, history = watched(FakeSource(stream(SPEC, COLOURS, sound=0.02)), bundle, "fast")
        transport = Transport(
            lambda picture: pipeline.snapshot(picture=picture), history, lambda: 12 * S, pipeline.hurry
        )
        results: list[RunResult] = []
        worker = threading.Thread(target=lambda: results.append(pipeline.run()))
        worker.start()
        while steered and worker.is_alive():
            transport.seek(-3)
            transport.next_disagreement(1)
            transport.latest()
            transport.change_speed(2.0)
        worker.join()
        return said(results[0])

    assert run(steered=True) == run(steered=False)


class CountedClock:
    """The real one, which counts how often somebody waits."""

    def __init__(self) -> None:
        self.waits = 0

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def wait_until_ns(self, t_ns: int, interrupt: threading.Event) -> bool:
        self.waits += 1
        return Clock().wait_until_ns(t_ns, interrupt)


def test_a_seek_leaves_the_real_pace_and_nothing_else(bundle: Bundle, tmp_path: Path) -> None:
    """A file at real pace, and a seek to its end before its first label: same rows, every frame accounted for."""
    clip, clock = make_clip(tmp_path / "kitchen.mp4", seconds=20.0, audio="tone"), CountedClock()
    hurried = ReplaySource(clip, SPEC, "realtime", clock)  # type: ignore[arg-type]
    pipeline, history = watched(hurried, bundle, "realtime")

    def hurry() -> None:
        hurried.hurry()
        pipeline.hurry()

    transport = Transport(
        lambda picture: pipeline.snapshot(picture=picture), history, lambda: hurried.duration_ns, hurry
    )
    transport.go_to(2**62)
    result = pipeline.run()
    assert clock.waits == 0, "at real pace it waits for each frame"
    undisturbed = watched(ReplaySource(clip, SPEC), bundle, "fast")[0].run()
    assert said(result) == said(undisturbed)
    told = result.telemetry
    assert told.captured_frames == told.used_frames + told.dropped_frames == 600
    assert result.pace == "fast"
    assert told.label_age_ms is None, "no age is told as if all had been at real pace"
    shown = transport.latest()
    assert shown.playback is not None
    assert shown.prediction is result.predictions[-1]
