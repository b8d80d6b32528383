"""One peer in a process of its own: it answers with a window, or with the label ages of a stream at real pace."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from bench.peers.raw_clip import RawClip
from bench.peers.window import Peer, WindowOutput
from edge.bundle import load_bundle
from edge.contract import NS_PER_S, WindowSpec
from edge.errors import EgoactError

EAGER = "PyTorch, eager"
PEERS = (EAGER, "PyTorch, torch.compile", "ONNX Runtime", "egoact f32", "egoact bf16", "egoact int8")
FIRST_TICK = 32
"""Of the first row whose clip has a full window of sound."""
WARM_UP_ROWS = 3


@dataclass(frozen=True)
class Setup:
    """What a worker needs to know."""

    peer: str
    size: str
    folder: Path
    clip: Path
    clip_s: float
    threads: int


class Ready(NamedTuple):
    """The peer has made its first windows."""

    start_s: float
    """From the imports to the end of the warm-up."""


class Timed(NamedTuple):
    """One window."""

    seconds: float
    processor_s: float
    """Of all threads: what a busy machine does not stretch."""
    output: WindowOutput


class LiveRun(NamedTuple):
    """A stream at real pace."""

    ages_ms: list[float]
    rows_due: int
    peak_mb: float


def work(pipe: Connection, setup: Setup) -> None:
    """Load, say Ready, then answer ('window', start_tick) and ('live', seconds) until None comes."""
    begun_s = time.perf_counter()
    try:
        peer, spec, arrive = _load(setup)
    except EgoactError as error:
        print(f"{setup.peer}: {error}", file=sys.stderr)
        return
    for row in range(WARM_UP_ROWS):
        peer.window(FIRST_TICK + row * spec.hop_frames)
    peer.restart()
    pipe.send(Ready(time.perf_counter() - begun_s))
    while (request := pipe.recv()) is not None:
        kind, value = request
        if kind == "window":
            pipe.send(_timed(peer, value))
        else:
            pipe.send(live(peer, spec, value, arrive))


def _load(setup: Setup) -> tuple[Peer, WindowSpec, Callable[[int], None]]:
    bundle = load_bundle(setup.folder)
    clip = RawClip(setup.clip, bundle.window, setup.clip_s)
    if setup.peer.startswith("egoact"):
        from bench.peers.ours import Ours

        ours = Ours(clip, bundle, setup.peer.split()[1], setup.threads)
        return ours, bundle.window, ours.arrive
    import torch

    from bench.peers.networks import in_onnxruntime, in_pytorch
    from bench.peers.plain_loop import PlainLoop

    torch.set_num_threads(setup.threads)
    if setup.peer == "ONNX Runtime":
        functions = in_onnxruntime(setup.folder, setup.threads)
    else:
        functions = in_pytorch(setup.size, compiled=setup.peer != EAGER)
    return PlainLoop(clip, functions), bundle.window, lambda tick: None


def _timed(peer: Peer, start_tick: int) -> Timed:
    processor_s, begun_s = time.process_time(), time.perf_counter()
    output = peer.window(start_tick)
    return Timed(time.perf_counter() - begun_s, time.process_time() - processor_s, output)


def live(peer: Peer, spec: WindowSpec, seconds: float, arrive: Callable[[int], None]) -> LiveRun:
    """Rows of a camera that gives 30 frames a second: the newest one that is complete, whenever the peer is free.

    Args:
        arrive: called for every frame when it is there, while nothing else is done.
    """
    peer.restart()
    row_end = FIRST_TICK + spec.row_frames
    origin_ns = time.monotonic_ns() - spec.tick_ns(row_end)
    until_ns = time.monotonic_ns() + int(seconds * NS_PER_S)
    start_tick, arrived, ages_ms, first = FIRST_TICK, row_end, list[float](), FIRST_TICK
    while True:
        due_ns = origin_ns + spec.tick_ns(start_tick + spec.row_frames)
        if due_ns >= until_ns:
            rows_due = (start_tick - first) // spec.hop_frames
            return LiveRun(ages_ms, rows_due, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        while (now_ns := time.monotonic_ns()) < due_ns:
            next_ns = origin_ns + spec.tick_ns(arrived)
            time.sleep(max(0, min(next_ns, due_ns) - now_ns) / NS_PER_S)
            if next_ns <= due_ns:
                arrive(arrived)
                arrived += 1
        peer.window(start_tick)
        done_ns = time.monotonic_ns()
        ages_ms.append((done_ns - due_ns) / 1e6)
        arrived = max(arrived, start_tick + spec.row_frames)
        late_hops = max(0, done_ns - due_ns) * spec.frame_rate_hz // (NS_PER_S * spec.hop_frames)
        start_tick += max(1, late_hops) * spec.hop_frames
