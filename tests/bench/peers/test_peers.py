"""Every peer computes the same from the same frames; the table is made of what was measured."""

from __future__ import annotations

import numpy as np
import pytest

from bench.peers.__main__ import markdown
from bench.peers.material import make_bundle
from bench.peers.measure import PeerResult, _result
from bench.peers.networks import in_onnxruntime, in_pytorch
from bench.peers.ours import Ours
from bench.peers.plain_loop import PlainLoop
from bench.peers.raw_clip import RawClip
from bench.peers.window import Peer, WindowOutput
from bench.peers.worker import FIRST_TICK, LiveRun, Ready, Timed, live
from edge.bundle import Bundle
from edge.contract import WindowSpec
from edge.demo import DEMO


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle("small", tmp_path_factory.mktemp("peers"), 1)


@pytest.fixture(scope="module")
def clip(bundle: Bundle) -> RawClip:
    return RawClip(min(DEMO.glob("*.mp4")), bundle.window, 4.0)


def windows(peer: Peer, spec: WindowSpec, count: int = 4) -> list[WindowOutput]:
    return [peer.window(FIRST_TICK + row * spec.hop_frames) for row in range(count)]


def test_all_peers_say_the_same_in_fp32(bundle: Bundle, clip: RawClip) -> None:
    """Logits of egoact are logarithms of probabilities: equal up to a constant a row."""
    eager = windows(PlainLoop(clip, in_pytorch("small", compiled=False)), bundle.window)
    for peer in (PlainLoop(clip, in_onnxruntime(bundle.path, 1)), Ours(clip, bundle, "f32", 1)):
        for ours, theirs in zip(windows(peer, bundle.window), eager, strict=True):
            for name in ("appearance", "motion", "audio"):
                a, b = getattr(ours, name), getattr(theirs, name)
                assert np.abs(a - b).max() < 1e-3 * np.abs(b).max(), name
            difference = ours.logits - theirs.logits
            assert np.ptp(difference, axis=1) == pytest.approx(np.zeros(3), abs=1e-3)


def test_what_was_before_does_not_matter_after_a_restart(bundle: Bundle, clip: RawClip) -> None:
    ours = Ours(clip, bundle, "f32", 1)
    first = windows(ours, bundle.window, 3)
    ours.restart()
    for a, b in zip(windows(ours, bundle.window, 3), first, strict=True):
        assert np.array_equal(a.logits, b.logits)


class KnownPeer:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.starts: list[int] = []

    def restart(self) -> None:
        self.starts.clear()

    def window(self, start_tick: int) -> WindowOutput:
        import time

        self.starts.append(start_tick)
        time.sleep(self.seconds)
        return output(0)


def output(seed: int) -> WindowOutput:
    rng = np.random.default_rng(seed)
    return WindowOutput(
        *(rng.normal(size=n).astype(np.float32) for n in (8, 4, 6)), rng.normal(size=(3, 5)).astype(np.float32)
    )


def test_a_peer_that_keeps_up_does_every_row_and_one_that_does_not_takes_the_newest() -> None:
    """Real time with sleeps; only orders of magnitude are asserted."""
    spec, arrived = WindowSpec(), list[int]()
    fast, slow = KnownPeer(0.01), KnownPeer(1.3)
    run = live(fast, spec, 2.2, arrived.append)
    assert len(run.ages_ms) <= run.rows_due <= len(run.ages_ms) + 1
    assert min(run.ages_ms) >= 10
    assert arrived == sorted(set(arrived)), "every frame arrives once"
    late = live(slow, spec, 4.0, lambda tick: None)
    assert len(late.ages_ms) < late.rows_due
    assert min(late.ages_ms) >= 1300
    assert all(later - tick > spec.hop_frames for tick, later in zip(slow.starts, slow.starts[1:], strict=False))


def results() -> list[PeerResult]:
    eager = [Timed(0.8 + 0.01 * n, 1.5, output(n)) for n in range(6)]
    ours = [Timed(0.2 + 0.0025 * n, 0.3, output(n)) for n in range(6)]
    slow, quick = LiveRun([900.0, 1000.0], 4, 700.0), LiveRun([210.0, 190.0, 200.0, 200.0], 4, 300.0)
    return [
        _result("PyTorch, eager", Ready(9.0), eager, [slow], eager, [slow]),
        _result("egoact f32", Ready(1.0), ours, [quick], eager, [slow]),
    ]


def test_ratios_are_against_eager_and_more_is_better() -> None:
    first, second = results()
    assert (first.faster.ratio, first.younger, first.rows_done) == (1.0, 1.0, 0.5)
    assert second.faster.ratio == pytest.approx(4.0)
    assert second.processor_faster.ratio == pytest.approx(5.0)
    assert second.younger == pytest.approx(950 / 200)
    assert second.rows_done == 1.0
    assert second.cosines["motion"] == pytest.approx((1.0, 1.0))
    assert second.label_agreement == 1.0


def test_the_table_has_a_line_a_peer() -> None:
    lines = markdown(results(), "small", 2, 0.4).splitlines()
    assert lines[3].startswith("| egoact f32 | 206 (200) | 4.00 [")
    assert "other programs took 40 %" in lines[-1]
