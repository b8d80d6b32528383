from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from calibration.gate import Gate, judge
from calibration.hold_out import HoldOut, collect, head_logits
from calibration.select import median_ms, select
from edge.bundle import Bundle
from edge.contract import NS_PER_S, Segment
from edge.engines.base import Engine, EngineSpec, Tensors
from edge.engines.load import Engines, load_engines
from edge.pipeline import Pipeline
from edge.recognizer import Recognizer
from edge.sources.replay import ReplaySource
from tests import media
from tests.tiny_bundle import make_bundle


def logits(tops: list[int], classes: int = 3) -> np.ndarray:
    """Float [N, 3, K] whose row 'all' has these top labels."""
    found = np.zeros((len(tops), 3, classes), np.float32)
    found[np.arange(len(tops)), :, tops] = 5.0
    return found


def test_gate_counts_agreement_and_accuracy() -> None:
    truth = np.array([0, 1] * 100)
    same = judge(logits([0, 1] * 100), logits([0, 1] * 100), truth, Gate())
    assert (same.passed, same.agreement, same.accuracy_loss) == (True, 1.0, 0.0)
    one = [0, 1] * 100
    one[7] = 2
    slightly = judge(logits([0, 1] * 100), logits(one), truth, Gate())
    assert slightly.passed  # 99.5 % agree, and half a point is allowed
    assert slightly.accuracy_loss == pytest.approx(0.005)
    one[9] = one[11] = 2
    worse = judge(logits([0, 1] * 100), logits(one), truth, Gate())
    assert not worse.passed
    assert "agreement below 99 %" in worse.reason
    assert "loses more than 0.5 point" in worse.reason


def test_gate_without_annotation_or_with_too_few_windows() -> None:
    unlabelled = np.full(200, -1)
    assert judge(logits([0] * 200), logits([0] * 200), unlabelled, Gate()).accuracy is None
    few = judge(logits([0] * 20), logits([0] * 20), unlabelled[:20], Gate())
    assert not few.passed
    assert "fewer than" in few.reason


def test_gate_reads_what_is_there_when_a_mode_is_missing() -> None:
    nothing = logits([1] * 60)
    nothing[:, 0] = np.nan
    assert judge(nothing, nothing, np.full(60, -1), Gate()).agreement == 1.0


class Stub:
    """A head that adds up its inputs, and backbones that only have a speed."""

    def __init__(self, name: str) -> None:
        self.spec = EngineSpec(name, "stub", "f32", (), ())

    def infer(self, inputs: Tensors) -> Tensors:
        total = inputs["appearance"] + inputs["audio"]
        return {"logits": np.repeat(total, 3, axis=0)}

    def close(self) -> None: ...


def stub_engines() -> Engines:
    return Engines(Stub("video"), Stub("fbank"), Stub("audio"), Stub("head"))


def held_out(broken: str) -> HoldOut:
    """200 windows; 'int8' video is right, `broken` audio says something else."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 200)
    right, wrong = 4 * np.eye(3, dtype=np.float32)[truth], 9 * np.eye(3, dtype=np.float32)[(truth + 1) % 3]
    audio = {p: wrong if p == broken else right for p in ("f32", "bf16", "int8")}
    seen = np.ones((200, 3), np.float32)
    video = dict.fromkeys(("f32", "bf16", "int8"), right)
    return HoldOut(video, video, audio, seen, truth, ("",) * 200)


def speeds(values: Mapping[str, float]):  # type: ignore[no-untyped-def]
    return lambda engines, inputs: {p: values[p] for p in engines}


def choose(speed: Mapping[str, float], broken: str = "int8") -> dict:
    engines = {p: stub_engines() for p in ("f32", "bf16", "int8")}
    return select(engines, held_out(broken), {"video": {}, "audio": {}}, Gate(), speeds(speed))


def test_fastest_that_passes_wins_engine_by_engine() -> None:
    chosen = choose({"f32": 30.0, "bf16": 15.0, "int8": 10.0})
    assert chosen["video"].precision == "int8"
    assert "3.0x" in chosen["video"].reason
    assert chosen["audio"].precision == "bf16"
    assert "not int8: top label agrees with f32 in 0.0 %" in chosen["audio"].reason
    assert chosen["audio"].evidence["int8"]["passed"] is False
    assert chosen["audio"].evidence["bf16"]["ms"] == 15.0


def test_slower_int8_is_reported_and_not_selected() -> None:
    chosen = choose({"f32": 30.0, "bf16": 15.0, "int8": 20.0}, broken="none")
    assert chosen["video"].precision == "bf16"
    assert "not int8: slower (20.0 ms)" in chosen["video"].reason


def test_f32_stays_when_nothing_passes_or_is_faster() -> None:
    assert choose({"f32": 5.0, "bf16": 15.0, "int8": 20.0})["video"].precision == "f32"


def test_median_takes_turns() -> None:
    order: list[str] = []

    class Counting(Stub):
        def infer(self, inputs: Tensors) -> Tensors:
            order.append(self.spec.name)
            return {}

    engines: dict[str, Engine] = {"a": Counting("a"), "b": Counting("b")}
    assert median_ms(engines, {}, runs=3).keys() == {"a", "b"}
    assert order == ["a", "b"] * 4  # one warm-up each, then in turns


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "tiny")


def test_hold_out_gives_what_the_pipeline_says(bundle: Bundle, tmp_path: Path) -> None:
    clip = media.make_clip(tmp_path / "a.mp4", seconds=5, audio="tone")
    silent = media.make_clip(tmp_path / "b.mp4", seconds=2)
    engines = load_engines(bundle, threads=1)
    truth = {"a.mp4": (Segment(NS_PER_S, 2 * NS_PER_S, "red", 1.0), Segment(3 * NS_PER_S, 9 * NS_PER_S, "other", 1.0))}
    held = collect(bundle, {"f32": engines}, [clip, silent], truth, {"a.mp4": "Cooking/Tokyo"}, per_clip=99)
    result = Pipeline(
        ReplaySource(clip, bundle.window), Recognizer(bundle, engines, temperature=1.0), pace="fast"
    ).run()
    said = head_logits(engines.head, held, "f32", "f32")
    n = len(result.predictions)
    assert [p.probabilities[0].argmax() for p in result.predictions] == said[:n, 0].argmax(axis=1).tolist()
    assert np.isnan(said[n:, 2]).all()  # nothing was heard in the second clip
    assert np.isfinite(said[:, :2]).all()
    centres = [row.start_tick / 30 for row in result.rows]
    wanted = [1 if 1 <= t < 2 else -1 if t >= 3 else 0 for t in centres]  # red, a foreign label, else the background
    assert held.labels[:n].tolist() == wanted
    assert (held.labels[n:] == -1).all()
    assert set(held.domains) == {"Cooking/Tokyo", ""}
    middle = collect(bundle, {"f32": engines}, [clip], truth, {}, per_clip=2)
    first = (n - 2) // 2
    assert first > bundle.window.clip_rows - 1  # the stretch has rows before it, which its clips need
    np.testing.assert_array_equal(middle.appearance["f32"], held.appearance["f32"][first : first + 2])
