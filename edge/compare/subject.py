"""What stands on one side of a comparison: a bundle, a back end, a precision, or one graph file put in its place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edge.bundle import GRAPHS, Bundle, load_bundle
from edge.engines.base import Engine
from edge.engines.load import Engines, check_shapes, load_engines
from edge.engines.onnxruntime import OnnxRuntimeEngine
from edge.engines.openvino import OpenVinoEngine
from edge.errors import UsageError
from edge.precision import BACKENDS, CPU_PRECISIONS, Precisions, choose

ONNXRUNTIME = "onnxruntime"


@dataclass(frozen=True)
class Subject:
    """One side of a comparison."""

    text: str
    """As the user wrote it."""
    bundle: Bundle
    backend: str
    """'cpu', 'tensorrt' or 'onnxruntime'."""
    precisions: Precisions
    graph: Path | None = None
    """A graph file that stands in for the bundle's."""

    @property
    def graph_engine(self) -> str | None:
        """Name of the engine that `graph` replaces."""
        return None if self.graph is None else self.graph.name.split(".")[0]

    def file(self, engine: str) -> Path:
        """The graph that runs as `engine` ('video', 'fbank', 'audio', 'head')."""
        if self.graph is not None and engine == self.graph_engine:
            return self.graph
        flavour = self.precisions.flavour(engine) if engine in ("video", "audio") else None
        return self.bundle.graph(engine, flavour)

    def load(self, threads: int | None) -> Engines:
        """Compile its four engines.

        Raises:
            EngineError, BundleError: as `load_engines`.
        """
        if self.backend == "tensorrt" or (self.backend == "cpu" and self.graph is None):
            return load_engines(self.bundle, self.precisions, threads=threads)
        video, fbank, audio, head = (self._engine(name, threads) for name in GRAPHS)
        engines = Engines(video, fbank, audio, head)
        check_shapes(self.bundle, engines)
        return engines

    def _engine(self, name: str, threads: int | None) -> Engine:
        make = OnnxRuntimeEngine if self.backend == ONNXRUNTIME else OpenVinoEngine
        precision = getattr(self.precisions, name, "f32")
        if name == self.graph_engine:
            precision = "int8" if ".int8" in str(self.graph) else "f32"
        return make(self.file(name), name=name, precision=precision, threads=threads)


def subject(text: str, bundle: Bundle) -> Subject:
    """Read one side: `[BACKEND:]PRECISION` of `bundle`, another bundle's folder (in FP32), or an ONNX file.

    BACKEND is cpu (the default), tensorrt or onnxruntime. A file `video.*.onnx` replaces the video engine, and so on.

    Raises:
        UsageError: none of these.
        BundleError: the bundle has no such graph, or the folder holds no bundle.
    """
    path = Path(text)
    if path.is_dir():
        return replace(subject("f32", load_bundle(path)), text=text)
    if path.suffix == ".onnx":
        if not path.is_file() or path.name.split(".")[0] not in GRAPHS:
            raise UsageError(f"{text}: no such file, or not named after an engine: {', '.join(GRAPHS)}[.FLAVOUR].onnx")
        return Subject(text, bundle, "cpu", Precisions("f32", "f32"), path)
    backend, _, precision = text.rpartition(":")
    backend = backend or "cpu"
    if backend == ONNXRUNTIME:
        return Subject(text, bundle, backend, choose_without_temperature(bundle, precision))
    if backend not in BACKENDS:
        known = ", ".join((*BACKENDS, ONNXRUNTIME))
        raise UsageError(f"{text}: give a precision, BACKEND:PRECISION ({known}), a bundle's folder, or an ONNX file")
    if backend == "cpu":
        return Subject(text, bundle, backend, choose_without_temperature(bundle, precision))
    return Subject(text, bundle, backend, choose(bundle, precision, backend))


def choose_without_temperature(bundle: Bundle, asked: str) -> Precisions:
    """The precisions asked for, on the CPU, also where no temperature was fitted: labels do not depend on it.

    Raises:
        UsageError: an unknown precision.
        BundleError: the bundle has no such graph.
    """
    parts = asked.split("+")
    if len(parts) > 2 or any(part not in CPU_PRECISIONS for part in parts):
        return choose(bundle, asked)
    precisions = Precisions(parts[0], parts[-1])
    for engine in ("video", "audio"):
        bundle.graph(engine, precisions.flavour(engine))
    return precisions
