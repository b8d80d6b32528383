"""The whole flow on streams whose answers can be worked out on paper."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from edge.contract import Prediction, RunResult, Segment
from edge.engines.load import load_engines
from edge.errors import SourceError
from edge.pipeline import Pipeline
from edge.recognizer import MIN_COVERAGE, Recognizer
from tests.edge.fake_source import FakeSource, stream
from tests.tiny_bundle import SPEC, make_bundle

RED, GREEN, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 0)


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory) -> Recognizer:
    bundle = make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")
    return Recognizer(bundle, load_engines(bundle, threads=1), temperature=1.0)


def run(recognizer: Recognizer, source: FakeSource, **options: object) -> RunResult:
    return Pipeline(source, recognizer, pace="fast", **options).run()  # type: ignore[arg-type]


def test_colours_become_segments(recognizer: Recognizer) -> None:
    result = run(recognizer, FakeSource(stream(SPEC, [BLACK] * 90 + [RED] * 120 + [GREEN] * 120 + [BLACK] * 90)))
    assert [segment.label for segment in result.segments] == ["red", "green"]
    red, green = result.segments
    assert red.start_ns / 1e9 == pytest.approx(3.0, abs=0.8)
    assert red.end_ns == green.start_ns
    assert green.start_ns / 1e9 == pytest.approx(7.0, abs=0.8)
    assert green.end_ns / 1e9 == pytest.approx(11.0, abs=0.8)


@pytest.mark.parametrize("ticks", [1, 20, 32, 33, 64, 100, 1000])
def test_every_frame_is_accounted_for(recognizer: Recognizer, ticks: int) -> None:
    """1000 frames wrap the ring several times."""
    result = run(recognizer, FakeSource(stream(SPEC, [RED] * ticks)))
    assert [row.start_tick for row in result.rows] == SPEC.row_starts(ticks)
    telemetry = result.telemetry
    assert (telemetry.captured_frames, telemetry.used_frames, telemetry.dropped_frames) == (ticks, ticks, 0)
    assert result.duration_s == pytest.approx(ticks / 30)


def test_rows_hold_the_features_of_their_own_frames(recognizer: Recognizer) -> None:
    colours = [(tick, 255 - tick, tick // 2) for tick in range(150)]
    result = run(recognizer, FakeSource(stream(SPEC, colours)))
    for row in result.rows:
        # The tiny graph sums 32768 values one by one in float32: a tolerance of a quarter of a grey level.
        own = np.array(colours[row.start_tick : row.start_tick + 32], np.float32) / 255
        assert row.appearance == pytest.approx(own.mean(axis=0), abs=1e-3)
        assert row.motion == pytest.approx(own.mean(axis=1)[[0, 31]], abs=1e-3)


def test_predictions_tile_the_stream(recognizer: Recognizer) -> None:
    result = run(recognizer, FakeSource(stream(SPEC, [RED] * 100)))
    assert result.predictions[0].start_ns == 0
    for before, after in zip(result.predictions, result.predictions[1:], strict=False):
        assert before.end_ns == after.start_ns
    assert [p.row_index for p in result.predictions] == list(range(len(result.rows)))


def test_no_sound_masks_the_audio_row(recognizer: Recognizer) -> None:
    result = run(recognizer, FakeSource(stream(SPEC, [RED] * 100, sound=None)))
    for prediction in result.predictions:
        everything, seen, heard = prediction.probabilities
        assert np.isnan(heard).all()
        assert everything == pytest.approx(seen)
        assert prediction.audio_coverage == 0.0
        assert prediction.label == "red"


def test_digital_silence_counts_as_no_sound(recognizer: Recognizer) -> None:
    result = run(recognizer, FakeSource(stream(SPEC, [RED] * 100, sound=0.0)))
    assert all(np.isnan(p.probabilities[2]).all() for p in result.predictions)


def test_sound_alone_can_decide(recognizer: Recognizer) -> None:
    result = run(recognizer, FakeSource(stream(SPEC, [BLACK] * 120, sound=0.5)))
    heard = [p.probabilities[2] for p in result.predictions if p.audio_coverage > 0.9]
    assert heard
    assert all(recognizer.bundle.labels[int(h.argmax())] == "loud" for h in heard)


def test_sound_that_ends_early_is_masked_from_then_on(recognizer: Recognizer) -> None:
    result = run(recognizer, FakeSource(stream(SPEC, [RED] * 300, sound=0.5, sound_s=4.1)))
    for row, prediction in zip(result.rows, result.predictions, strict=True):
        end_s = (row.start_tick + 32) / 30
        newest_frame_s = (row.start_tick + 31) / 30
        newest_sound_s = min(end_s, 4.1) if prediction.audio_coverage >= MIN_COVERAGE else 0.0
        assert prediction.clip_end_ns / 1e9 == pytest.approx(max(newest_frame_s, newest_sound_s), abs=1e-4)
        expected = max(0.0, min(end_s, 4.1) - max(0.0, end_s - 64 / 30)) / (64 / 30)
        assert prediction.audio_coverage == pytest.approx(expected, abs=0.01)
        assert np.isnan(prediction.probabilities[2]).all() == (expected < MIN_COVERAGE)


def test_probabilities_are_calibrated_by_the_temperature(recognizer: Recognizer) -> None:
    warm = Recognizer(recognizer.bundle, recognizer.engines, temperature=4.0)
    events = stream(SPEC, [RED] * 64)
    sharp, soft = (run(r, FakeSource(events)).predictions[-1].probabilities[0] for r in (recognizer, warm))
    assert np.log(sharp[1] / sharp[0]) == pytest.approx(4 * np.log(soft[1] / soft[0]), rel=1e-3)


def test_what_breaks_the_source_ends_the_run_with_its_error(recognizer: Recognizer) -> None:
    source = FakeSource([*stream(SPEC, [RED] * 70)[:60], SourceError("cable gone; plug it in")])
    with pytest.raises(SourceError, match="cable gone"):
        run(recognizer, source)
    assert source.closed


def test_stop_ends_a_source_that_never_ends(recognizer: Recognizer) -> None:
    class Endless(FakeSource):
        def read(self, timeout_s: float):  # type: ignore[no-untyped-def]
            return super().read(timeout_s) or threading.Event().wait(0.001) or None

    pipeline = Pipeline(Endless(stream(SPEC, [RED] * 70)[:-1]), recognizer, pace="realtime")
    results: list[RunResult] = []
    thread = threading.Thread(target=lambda: results.append(pipeline.run()))
    thread.start()
    while pipeline.snapshot().telemetry.rows < 3:
        threading.Event().wait(0.01)
    pipeline.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()
    telemetry = results[0].telemetry
    assert telemetry.captured_frames == telemetry.used_frames + telemetry.dropped_frames


def test_sinks_hear_everything_once_and_in_order(recognizer: Recognizer) -> None:
    class Recorder:
        def __init__(self) -> None:
            self.predictions: list[Prediction] = []
            self.segments: list[Segment] = []

        def prediction(self, prediction: Prediction, labels: tuple[str, ...]) -> None:
            self.predictions.append(prediction)

        def segment(self, segment: Segment) -> None:
            self.segments.append(segment)

        def event(self, t_ns: int, text: str) -> None:
            raise AssertionError("nothing went wrong")

    sink = Recorder()
    result = run(recognizer, FakeSource(stream(SPEC, [RED] * 150 + [GREEN] * 150)), sinks=[sink])
    assert tuple(sink.predictions) == result.predictions
    assert tuple(sink.segments) == result.segments
    assert len(result.segments) == 2


def test_snapshot_shows_the_stream(recognizer: Recognizer) -> None:
    pipeline = Pipeline(FakeSource(stream(SPEC, [RED] * 150, sound=0.5)), recognizer, pace="fast")
    before = pipeline.snapshot()
    assert before.prediction is None
    assert before.preview is None
    pipeline.run()
    after = pipeline.snapshot()
    assert after.finished
    assert after.stream_ns == 5 * 10**9
    assert after.preview is not None
    assert after.preview[0, 0].tolist() == list(RED)
    assert after.sound_level_db == pytest.approx(-6.02, abs=0.1)
    assert after.telemetry.rows == len(after.labels) + 4 == 9
