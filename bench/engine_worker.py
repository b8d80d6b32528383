"""One back end in a process of its own: it holds the four engines of a row and runs one row whenever it is asked."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ENGINES = ("video", "fbank", "audio", "head")
Run = Callable[[dict[str, NDArray]], object]


class Row(NamedTuple):
    """One timed row."""

    seconds: dict[str, float]
    """By engine."""
    processor_s: dict[str, float]
    """Processor time by engine, of all threads of this process: on one thread, what a quiet machine would take."""
    peak_mb: float
    """Of the process so far: imports, loading, compiling and running."""


def work(pipe: Connection, backend: str, size: str, folder: Path, threads: int) -> None:
    """Load, send an empty message when ready, then answer every request with a `Row` until None comes."""
    runs = _torch(size, threads) if backend == "torch f32" else _onnx(backend, folder, threads)
    with np.load(folder / "inputs.npz") as stored:
        inputs = {
            name: {key.partition(".")[2]: stored[key] for key in stored.files if key.startswith(f"{name}.")}
            for name in ENGINES
        }
    for _ in range(2):
        for name in ENGINES:
            runs[name](inputs[name])
    pipe.send(None)
    while pipe.recv() is not None:
        seconds, processor_s = {}, {}
        for name in ENGINES:
            started, used = time.perf_counter(), time.process_time()
            runs[name](inputs[name])
            seconds[name], processor_s[name] = time.perf_counter() - started, time.process_time() - used
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        pipe.send(Row(seconds, processor_s, peak_mb))


def _onnx(backend: str, folder: Path, threads: int) -> dict[str, Run]:
    from edge.engines.onnxruntime import OnnxRuntimeEngine
    from edge.engines.openvino import OpenVinoEngine

    library, precision = backend.split(" ")
    engine: type[OpenVinoEngine | OnnxRuntimeEngine] = OpenVinoEngine if library == "openvino" else OnnxRuntimeEngine
    runs: dict[str, Run] = {}
    for name in ENGINES:
        backbone = name in ("video", "audio")
        file = f"{name}.int8-cpu.onnx" if backbone and precision == "int8" else f"{name}.onnx"
        runs[name] = engine(folder / file, precision=precision if backbone else "f32", threads=threads).infer
    return runs


def _torch(size: str, threads: int) -> dict[str, Run]:
    import torch

    from bench.engine_graphs import SIZES

    torch.set_num_threads(threads)

    def eager(network: torch.nn.Module) -> Run:
        def run(inputs: dict[str, NDArray]) -> object:
            with torch.inference_mode():
                return network(*(torch.from_numpy(value) for value in inputs.values()))

        return run

    return {name: eager(network) for name, network in SIZES[size].networks()._asdict().items()}
