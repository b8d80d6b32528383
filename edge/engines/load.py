"""The four engines of a bundle, compiled for one back end and warmed up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge.bundle import GRAPHS, Bundle
from edge.contract import HEAD_MASK
from edge.engines.base import Engine, warm_up
from edge.engines.gpu import Gpu, find_gpu
from edge.engines.openvino import OpenVinoEngine
from edge.engines.owner_thread import OwnedEngine, OwnerThread
from edge.engines.plan import CheckedPlan, check_plan, plan_file
from edge.engines.plan_choice import build_command, engine_precision
from edge.engines.tensorrt import TensorRtEngine
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
    owner: OwnerThread | None = None
    """The thread that the engines live in; None where any thread may run them."""

    def describe(self) -> tuple[str, ...]:
        return tuple(_description(engine) for engine in (self.video, self.fbank, self.audio, self.head))

    def close(self) -> None:
        for engine in (self.video, self.fbank, self.audio, self.head):
            engine.close()
        if self.owner is not None:
            self.owner.stop()


def load_engines(
    bundle: Bundle, precisions: Precisions = F32, *, threads: int | None = None, find: Callable[[], Gpu] = find_gpu
) -> Engines:
    """Make the bundle's four engines and warm them up. Any thread may run them, one at a time.

    `precisions` are those of the two backbones; the log-mel graph and the head always run in FP32.

    Args:
        threads: CPU threads of each engine on the CPU; None takes all cores.
        find: how to come by the GPU, for the TensorRT back end.

    Raises:
        EngineError: the back end refuses a graph.
        NoGpuError: TensorRT cannot run here.
        PlanError: a plan is missing, or was built for another graph or machine; names the command that builds it.
        BundleError: a flavour is missing, or the graphs do not have the shapes that the manifest promises.
    """
    owner: OwnerThread | None = None
    if precisions.backend == "tensorrt":
        plans = _checked_plans(bundle, precisions, gpu := find())
        owner = OwnerThread()
        make = _tensorrt_maker(plans, gpu, owner)
    else:
        make = _openvino_maker(bundle, precisions, threads)
    loaded: dict[str, Engine] = {}
    try:
        for name in GRAPHS:
            loaded[name] = make(name)
        engines = Engines(**loaded, owner=owner)
        check_shapes(bundle, engines)
        for name in GRAPHS:
            warm_up(loaded[name])
    except BaseException:
        for engine in loaded.values():
            engine.close()
        if owner is not None:
            owner.stop()
        raise
    return engines


def _openvino_maker(bundle: Bundle, precisions: Precisions, threads: int | None) -> Callable[[str], Engine]:
    def make(name: str) -> Engine:
        precision, flavour = engine_precision(precisions, name)
        return OpenVinoEngine(bundle.graph(name, flavour), name=name, precision=precision, threads=threads)

    return make


def _checked_plans(bundle: Bundle, precisions: Precisions, gpu: Gpu) -> dict[str, CheckedPlan]:
    """All plans are compared before TensorRT is given the first."""
    command = build_command(bundle.path, "+".join(dict.fromkeys((precisions.video, precisions.audio))))

    def checked(name: str) -> CheckedPlan:
        precision, flavour = engine_precision(precisions, name)
        sha256 = bundle.sha256[bundle.graph(name, flavour).name]
        return check_plan(
            plan_file(bundle.path, name, precision, onnx_sha256=sha256, platform=gpu.platform, rebuild=command)
        )

    return {name: checked(name) for name in GRAPHS}


def _tensorrt_maker(plans: dict[str, CheckedPlan], gpu: Gpu, owner: OwnerThread) -> Callable[[str], Engine]:
    def make(name: str) -> Engine:
        # Popped, because a plan's bytes are not needed once it is loaded. Each engine opens CUDA and closes it.
        plan = plans.pop(name)
        return OwnedEngine(owner, lambda: TensorRtEngine(plan, gpu.trt, gpu.open_cuda()))

    return make


def _description(engine: Engine) -> str:
    spec = engine.spec
    slow = isinstance(engine, OwnedEngine) and engine.graph_problem is not None
    return f"{spec.name}: {spec.backend} {spec.precision}" + (", no CUDA graph" if slow else "")


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
