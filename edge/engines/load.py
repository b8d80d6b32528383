"""The four engines of a bundle, compiled for one back end and warmed up."""

from __future__ import annotations

from dataclasses import dataclass

from edge.bundle import GRAPHS, Bundle
from edge.contract import HEAD_MASK
from edge.engines.base import Engine, warm_up
from edge.engines.openvino import OpenVinoEngine
from edge.errors import BundleError
from edge.precision import Precisions

F32 = Precisions("f32", "f32")


@dataclass(frozen=True)
class Engines:
    """The four graphs of a bundle, compiled."""

    video: Engine
    fbank: Engine
    audio: Engine
    head: Engine

    def describe(self) -> tuple[str, ...]:
        specs = [engine.spec for engine in (self.video, self.fbank, self.audio, self.head)]
        return tuple(f"{spec.name}: {spec.backend} {spec.precision}" for spec in specs)

    def close(self) -> None:
        for engine in (self.video, self.fbank, self.audio, self.head):
            engine.close()


def load_engines(bundle: Bundle, precisions: Precisions = F32, *, threads: int | None = None) -> Engines:
    """Compile the bundle's graphs and warm them up.

    `precisions` are those of the two backbones; the log-mel graph and the head always run in FP32.

    Raises:
        EngineError: the back end refuses a graph.
        BundleError: a flavour is missing, or the graphs do not have the shapes that the manifest promises.
    """

    def compiled(name: str) -> Engine:
        precision = getattr(precisions, name, "f32")
        flavour = precisions.flavour(name) if name in precisions._fields else None
        return OpenVinoEngine(bundle.graph(name, flavour), name=name, precision=precision, threads=threads)

    engines = Engines(**{name: compiled(name) for name in GRAPHS})
    check_shapes(bundle, engines)
    for name in GRAPHS:
        warm_up(getattr(engines, name))
    return engines


def check_shapes(bundle: Bundle, engines: Engines) -> None:
    """Compare the tensors of the engines with what the manifest promises.

    Raises:
        BundleError: names the file, the tensor and both shapes.
    """
    spec, dims, classes = bundle.window, bundle.feature_dims, len(bundle.labels)
    expected = {
        ("video", "frames"): (1, spec.row_frames, spec.frame_size_px, spec.frame_size_px, 3),
        ("video", "appearance"): (1, dims.appearance),
        ("video", "motion"): (1, dims.motion),
        ("fbank", "waveform"): (1, spec.clip_audio_samples),
        ("audio", "audio"): (1, dims.audio),
        ("head", "appearance"): (1, spec.clip_rows * dims.appearance),
        ("head", "motion"): (1, spec.clip_rows * dims.motion),
        ("head", "audio"): (1, dims.audio),
        ("head", "mask"): HEAD_MASK.shape,
        ("head", "logits"): (len(HEAD_MASK), classes),
    }
    for (graph, tensor), shape in expected.items():
        engine: Engine = getattr(engines, graph)
        ports = {port.name: port.shape for port in (*engine.spec.inputs, *engine.spec.outputs)}
        if ports.get(tensor) != shape:
            raise BundleError(
                f"{bundle.path / (graph + '.onnx')}: tensor {tensor} is {ports.get(tensor)}, the manifest "
                f"promises {shape}; export the bundle again"
            )
