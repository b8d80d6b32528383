"""All peers in turns: windows first, then streams at real pace."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.peers.worker import FIRST_TICK, LiveRun, Ready, Setup, Timed, work
from edge.bench.ratio import Ratio, paired_ratio
from edge.compare.difference import TensorDifference, tensor_difference
from edge.errors import EgoactError

START_LIMIT_S = 1800.0
"""On a busy machine torch.compile takes many minutes."""
END_LIMIT_S = 10.0
FEATURES = ("appearance", "motion", "audio")


@dataclass(frozen=True)
class PeerResult:
    """One line of the table; ratios are against eager PyTorch, more than 1 is better."""

    peer: str
    start_s: float
    window_ms: float
    """Median of a whole window, from raw frames and sound to logits."""
    window_min_ms: float
    windows_hz: float
    """1 / median"""
    faster: Ratio
    processor_ms: float
    """Median of the processor time of a window, over all threads."""
    processor_faster: Ratio
    age_ms: float
    """Median label age of a stream at real pace."""
    age_p95_ms: float
    younger: float
    """Eager's median label age / this one."""
    rows_done: float
    """Share of the rows that came due."""
    peak_mb: float
    cosines: dict[str, tuple[float, float]]
    """Feature -> mean and lowest mean-removed cosine to eager's, over the windows."""
    label_agreement: float
    """Share of windows with eager's top label."""


def measure(
    setups: Sequence[Setup],
    hop_frames: int,
    turns: int,
    live_s: float,
    live_rounds: int,
    progress: Callable[[str], None],
) -> list[PeerResult]:
    """The first setup is what the others are compared with.

    Raises:
        EgoactError: a peer failed.
    """
    context = multiprocessing.get_context("spawn")
    pipes: dict[str, Connection] = {}
    processes = []
    started: dict[str, Ready] = {}
    windows: dict[str, list[Timed]] = {setup.peer: [] for setup in setups}
    streams: dict[str, list[LiveRun]] = {setup.peer: [] for setup in setups}
    try:
        for setup in setups:
            progress(f"starting: {setup.peer}")
            pipes[setup.peer], theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs, setup), daemon=True)
            process.start()
            theirs.close()
            processes.append(process)
            started[setup.peer] = _answer(pipes[setup.peer], setup.peer)
        for turn in range(turns):
            progress(f"window {turn + 1} of {turns}")
            for peer, pipe in pipes.items():
                pipe.send(("window", FIRST_TICK + turn * hop_frames))
                windows[peer].append(_answer(pipe, peer))
        for turn in range(live_rounds):
            progress(f"real pace, round {turn + 1} of {live_rounds}")
            for peer, pipe in pipes.items():
                pipe.send(("live", live_s))
                streams[peer].append(_answer(pipe, peer))
    finally:
        for pipe in pipes.values():
            with suppress(OSError):  # it is gone already
                pipe.send(None)
        for process in processes:
            process.join(END_LIMIT_S)
            process.terminate()
    eager = setups[0].peer
    return [
        _result(
            setup.peer, started[setup.peer], windows[setup.peer], streams[setup.peer], windows[eager], streams[eager]
        )
        for setup in setups
    ]


def _answer(pipe: Connection, peer: str) -> Any:
    if not pipe.poll(START_LIMIT_S):
        raise EgoactError(f"{peer}: no answer within {START_LIMIT_S:.0f} s")
    try:
        return pipe.recv()
    except EOFError:
        raise EgoactError(f"{peer}: its process ended; its reason stands above") from None


def _result(
    peer: str,
    ready: Ready,
    windows: Sequence[Timed],
    streams: Sequence[LiveRun],
    eager: Sequence[Timed],
    eager_streams: Sequence[LiveRun],
) -> PeerResult:
    wall = [1e3 * w.seconds for w in windows]
    processor = [1e3 * w.processor_s for w in windows]
    ages, eager_ages = _ages(streams), _ages(eager_streams)
    differences = [_difference(name, eager, windows) for name in FEATURES]
    agree = [
        int(a.output.logits[0].argmax()) == int(b.output.logits[0].argmax())
        for a, b in zip(eager, windows, strict=True)
    ]
    return PeerResult(
        peer=peer,
        start_s=ready.start_s,
        window_ms=float(np.median(wall)),
        window_min_ms=min(wall),
        windows_hz=1e3 / float(np.median(wall)),
        faster=paired_ratio([1e3 * w.seconds for w in eager], wall),
        processor_ms=float(np.median(processor)),
        processor_faster=paired_ratio([1e3 * w.processor_s for w in eager], processor),
        age_ms=float(np.median(ages)),
        age_p95_ms=float(np.percentile(ages, 95)),
        younger=float(np.median(eager_ages) / np.median(ages)),
        rows_done=len(ages) / max(1, sum(stream.rows_due for stream in streams)),
        peak_mb=max(stream.peak_mb for stream in streams),
        cosines={d.name: (d.centred_cosine_mean, d.centred_cosine_min) for d in differences},
        label_agreement=float(np.mean(agree)),
    )


def _difference(name: str, eager: Sequence[Timed], windows: Sequence[Timed]) -> TensorDifference:
    first, second = (np.stack([getattr(w.output, name) for w in side]) for side in (eager, windows))
    return tensor_difference(name, first, second)


def _ages(streams: Sequence[LiveRun]) -> NDArray[np.float64]:
    return np.array([age for stream in streams for age in stream.ages_ms])
