"""What is measured: one engine of a bundle on one back end, in one precision, with so many threads."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from edge.bundle import GRAPHS, Bundle
from edge.engines.base import Engine
from edge.engines.gpu import Gpu, find_gpu
from edge.engines.onnxruntime import OnnxRuntimeEngine
from edge.engines.openvino import OpenVinoEngine
from edge.engines.plan import check_plan, plan_file
from edge.engines.plan_choice import build_command, engine_precision
from edge.engines.tensorrt import TensorRtEngine
from edge.errors import UsageError
from edge.precision import AUTO, CPU_PRECISIONS, TENSORRT_PRECISIONS, Precisions, choose, processor_can

ALL = "all"
ONNXRUNTIME = "onnxruntime"
BACKENDS = ("cpu", "tensorrt", ONNXRUNTIME)
BACKBONES = ("video", "audio")


@dataclass(frozen=True)
class Candidate:
    """One line of the table."""

    engine: str
    backend: str
    """'cpu' (OpenVINO), 'tensorrt' or 'onnxruntime'."""
    precision: str
    threads: int
    """Processor threads; 0 on a GPU."""

    @property
    def name(self) -> str:
        """'cpu int8, 2 threads'"""
        threads = f", {self.threads} thread{'s' if self.threads > 1 else ''}" if self.threads else ""
        return f"{self.backend} {self.precision}{threads}"

    @property
    def precisions(self) -> Precisions:
        """For both backbones alike; ONNX Runtime reads the files of the CPU."""
        return Precisions(self.precision, self.precision, "tensorrt" if self.backend == "tensorrt" else "cpu")


@dataclass(frozen=True)
class LoadedEngine:
    """An engine that is ready to run, and what is known about its file."""

    engine: Engine
    size_bytes: int
    """Of the plan, or of the ONNX file."""
    build_s: float | None
    """Seconds that TensorRT took to build the plan; None where nothing is built."""


def candidates(
    bundle: Bundle,
    *,
    engines: Sequence[str] = GRAPHS,
    backends: Sequence[str] = ("cpu",),
    precisions: Sequence[str] = (AUTO,),
    threads: Sequence[int] = (),
) -> list[Candidate]:
    """Every combination that this bundle and this processor can do, in the order of the data flow, each once.

    Args:
        precisions: 'auto' (what the bundle's evidence chose), 'all' (what the bundle has and the processor is made
            for), or precisions by name; the log-mel graph and the head are FP32 in each.
        threads: of engines on the processor; none means all cores.

    Raises:
        UsageError: an unknown engine, back end or precision, or nothing is left to measure.
        BundleError: a precision was named of which the bundle has no graph.
    """
    for kind, asked, known in (("engine", engines, GRAPHS), ("--backend", backends, BACKENDS)):
        for name in asked:
            if name not in known:
                raise UsageError(f"{kind} {name!r} is not one of {', '.join(known)}")
    found: dict[Candidate, None] = {}
    for engine in engines:
        for backend in backends:
            for precision in _precisions(bundle, engine, backend, precisions):
                counts = (0,) if backend == "tensorrt" else threads or (os.cpu_count() or 1,)
                found |= {Candidate(engine, backend, precision, count): None for count in counts}
    if not found:
        raise UsageError(f"nothing to measure: no precision of {', '.join(precisions)} fits {', '.join(backends)}")
    return list(found)


def _precisions(bundle: Bundle, engine: str, backend: str, asked: Sequence[str]) -> Iterable[str]:
    if engine not in BACKBONES:
        return ("f32",)
    known = TENSORRT_PRECISIONS if backend == "tensorrt" else CPU_PRECISIONS
    wanted: list[str] = []
    for precision in asked:
        if precision == AUTO:
            wanted.append(getattr(choose(bundle, AUTO, "tensorrt" if backend == "tensorrt" else "cpu"), engine))
        elif precision == ALL:
            wanted += [p for p in known if _is_there(bundle, engine, backend, p)]
        elif precision not in (*CPU_PRECISIONS, *TENSORRT_PRECISIONS):
            raise UsageError(
                f"--precision {precision}: not one of {', '.join((AUTO, ALL, 'f32', 'bf16', 'f16', 'int8'))}"
            )
        elif precision in known:
            bundle.graph(engine, Candidate(engine, backend, precision, 0).precisions.flavour(engine))
            wanted.append(precision)
    # ONNX Runtime's processor kernels know no BF16.
    return [p for p in wanted if not (backend == ONNXRUNTIME and p == "bf16")]


def _is_there(bundle: Bundle, engine: str, backend: str, precision: str) -> bool:
    flavour = Candidate(engine, backend, precision, 0).precisions.flavour(engine)
    has = flavour is None or bundle.has(engine, flavour)
    return has and (backend == "tensorrt" or precision == "f32" or processor_can(precision))


def usable_backends() -> tuple[str, ...]:
    """Back ends that this machine has: the processor always, the others where their libraries are."""
    found = ["cpu"]
    if importlib.util.find_spec("onnxruntime") is not None:
        found.append(ONNXRUNTIME)
    return tuple(found)


def load_candidate(bundle: Bundle, candidate: Candidate, find: Callable[[], Gpu] = find_gpu) -> LoadedEngine:
    """Compile or load one engine; not warmed up. It belongs to the calling thread.

    Raises:
        EngineError: the back end refuses the graph, or cannot run here.
        PlanError: TensorRT's plan is missing or does not fit; names the command that builds it.
        BundleError: the bundle has no such graph.
    """
    precision, flavour = engine_precision(candidate.precisions, candidate.engine)
    graph = bundle.graph(candidate.engine, flavour)
    if candidate.backend == "tensorrt":
        gpu = find()
        plan = check_plan(
            plan_file(
                bundle.path,
                candidate.engine,
                precision,
                onnx_sha256=bundle.sha256[graph.name],
                platform=gpu.platform,
                rebuild=build_command(bundle.path, precision),
            )
        )
        engine: Engine = TensorRtEngine(plan, gpu.trt, gpu.open_cuda())
        return LoadedEngine(engine, plan.sidecar.plan_bytes, plan.sidecar.build_s)
    make = OnnxRuntimeEngine if candidate.backend == ONNXRUNTIME else OpenVinoEngine
    engine = make(graph, name=candidate.engine, precision=precision, threads=candidate.threads)
    return LoadedEngine(engine, graph.stat().st_size, None)
