"""ONNX -> TensorRT plan, strongly typed, in one way from TensorRT 10.3 to 11 and for TensorRT-RTX.

What differs between them is asked by name: STRONGLY_TYPED is bit 1 in TensorRT 10 and bit 0 in RTX. No precision flag
is set, because the graph says what each node computes in. One is cleared: TF32, which TensorRT sets by itself and which
would give log-mel features ten bits where they need all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from edge.engines.base import TensorSpec
from edge.engines.gpu import RTX
from edge.engines.tensorrt import profile_of
from edge.engines.trt_log import log_of
from edge.errors import EngineError

MIB = 1 << 20
Progress = Callable[[float], None]
"""Is told the share that is done (0..1), from a thread of TensorRT's."""


@dataclass(frozen=True)
class BuildSettings:
    """What a user may choose; both stand in the sidecar."""

    workspace_mib: int = 1024
    """Scratch memory that a kernel may use at most; a Jetson shares its memory with everything else."""
    optimisation_level: int = 3
    """TensorRT's own scale, 0 (quick build) to 5 (slow build, fast plan); 3 is its default."""


class BuiltPlan(NamedTuple):
    """What TensorRT made of a graph."""

    plan: bytes
    profile: dict[str, str]
    """Tensor -> dtype and shape."""
    timing_cache: bytes | None
    """Kernel timings that make the next build quicker; None for RTX, which measures nothing while it builds."""
    build_s: float


def build_plan(
    trt: Any,
    name: str,
    graph: bytes,
    settings: BuildSettings,
    *,
    timing_cache: bytes | None = None,
    capability: str = "CURRENT",
    progress: Progress = lambda share: None,
) -> BuiltPlan:
    """Build one graph.

    Args:
        trt: the TensorRT module.
        graph: ONNX file content with static shapes, strongly typed as it stands.
        timing_cache: of an earlier build with this TensorRT on this GPU.
        capability: RTX only: the GPU to build for, a name of its ComputeCapability.

    Raises:
        EngineError: TensorRT cannot read or build the graph; names the engine and TensorRT's reason.
        KeyboardInterrupt: passed on after TensorRT has stopped.
    """
    log = log_of(trt)
    log.taken()
    started_ns = time.monotonic_ns()
    builder = trt.Builder(log)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log)
    if not parser.parse(graph):
        reasons = [parser.get_error(index).desc().strip() for index in range(parser.num_errors)]
        raise EngineError(f"engine {name}: TensorRT cannot read the graph ({_first(reasons)}); export the bundle again")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, settings.workspace_mib * MIB)
    config.builder_optimization_level = settings.optimisation_level
    config.clear_flag(trt.BuilderFlag.TF32)
    config.add_optimization_profile(_static_profile(builder, network, name))
    cache = _prepare(trt, config, timing_cache, capability)
    monitor = _monitor(trt, progress)
    config.progress_monitor = monitor
    serialized = builder.build_serialized_network(network, config)
    if monitor.interrupted is not None:
        raise monitor.interrupted
    if serialized is None:
        raise EngineError(f"engine {name}: TensorRT cannot build it ({log.taken()}); try a larger --workspace-mib")
    return BuiltPlan(
        plan=bytes(serialized),
        profile=profile_of(tuple(_ports(trt, network))),
        timing_cache=None if cache is None else bytes(cache.serialize()),
        build_s=(time.monotonic_ns() - started_ns) / 1e9,
    )


def _prepare(trt: Any, config: Any, timing_cache: bytes | None, capability: str) -> Any:
    """The timing cache of this build; RTX gets the GPU to build for instead, because a cache would make it ask one."""
    if trt.__name__ == RTX:
        config.num_compute_capabilities = 1
        config.set_compute_capability(trt.ComputeCapability.__members__[capability], 0)
        return None
    cache = config.create_timing_cache(timing_cache or b"")
    # Timings of another TensorRT or GPU, or a damaged file: start anew.
    if cache is None or not config.set_timing_cache(cache, ignore_mismatch=False):
        cache = config.create_timing_cache(b"")
        config.set_timing_cache(cache, ignore_mismatch=False)
    return cache


def _static_profile(builder: Any, network: Any, name: str) -> Any:
    profile = builder.create_optimization_profile()
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        shape = tuple(int(n) for n in tensor.shape)
        if min(shape, default=1) < 1:
            raise EngineError(f"engine {name}: input {tensor.name} has the open shape {list(shape)}; export it again")
        profile.set_shape(tensor.name, shape, shape, shape)
    return profile


def _ports(trt: Any, network: Any) -> list[TensorSpec]:
    tensors = [network.get_input(i) for i in range(network.num_inputs)]
    tensors += [network.get_output(i) for i in range(network.num_outputs)]
    return [TensorSpec(t.name, tuple(int(n) for n in t.shape), np.dtype(trt.nptype(t.dtype))) for t in tensors]


def _monitor(trt: Any, progress: Progress) -> Any:
    class Monitor(trt.IProgressMonitor):
        """Tells the share of the outermost phase; an exception may not cross TensorRT, so it stops the build."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.interrupted: BaseException | None = None
            self._steps: dict[str, int] = {}

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            if parent is None:
                self._steps[phase] = steps

        def step_complete(self, phase: str, step: int) -> bool:
            try:
                if phase in self._steps:
                    progress((step + 1) / self._steps[phase])
            except BaseException as error:
                self.interrupted = error
            return self.interrupted is None

        def phase_finish(self, phase: str) -> None:
            self._steps.pop(phase, None)

    return Monitor()


def _first(reasons: list[str]) -> str:
    return " ".join(reasons[0].split()) if reasons else "no reason given"
