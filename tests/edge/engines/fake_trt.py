"""A TensorRT module without TensorRT: a plan is the graph itself, and ONNX Runtime computes it when the stream runs.

It has what egoact uses of TensorRT 10.3, with the same names, and refuses what TensorRT refuses: a plan of another
version, a network that is not strongly typed, calls after the runtime is gone.
"""

from __future__ import annotations

import enum
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from tests.edge.engines.fake_cuda import FakeMachine


class _Severity(enum.IntEnum):
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)


class _Logger:
    Severity = _Severity


class _Monitor:
    pass


class _Mode(enum.Enum):
    INPUT, OUTPUT = 1, 2


class _CreationFlag(enum.IntEnum):
    EXPLICIT_BATCH, STRONGLY_TYPED = 0, 1


class _Named:
    """Members of an enumeration that are only handed through."""

    WORKSPACE, TF32 = "WORKSPACE", "TF32"


class FakeTrt:
    """What `import tensorrt` would give."""

    __name__ = "tensorrt"
    ILogger, IProgressMonitor, TensorIOMode = _Logger, _Monitor, _Mode
    NetworkDefinitionCreationFlag, MemoryPoolType, BuilderFlag = _CreationFlag, _Named, _Named

    def __init__(self, machine: FakeMachine, version: str = "10.3.0") -> None:
        self.__version__ = version
        self.machine = machine
        self.configs: list[_Config] = []
        """Of every build."""
        self.loaded = 0
        """Plans that were given to be deserialised."""
        self.refuse: set[str] = set()
        """'context', 'execute', 'record', 'build': what gives TensorRT's silent refusal from now on."""

    @property
    def mark(self) -> bytes:
        return f"FAKE PLAN {self.__version__}\n".encode()

    def nptype(self, dtype: np.dtype) -> type:
        return dtype.type

    def Runtime(self, log: Any) -> _Runtime:
        return _Runtime(self, log)

    def Builder(self, log: Any) -> _Builder:
        return _Builder(self, log)

    def OnnxParser(self, network: _Network, log: Any) -> _Parser:
        return _Parser(network)


class _Runtime:
    def __init__(self, trt: FakeTrt, log: Any) -> None:
        self._trt, self._log = trt, log

    def deserialize_cuda_engine(self, content: bytes) -> _Engine | None:
        self._trt.loaded += 1
        if not content.startswith(self._trt.mark):
            self._log.log(_Severity.ERROR, "IRuntime::deserializeCudaEngine: Error Code 1:\n serialization version")
            return None
        return _Engine(self._trt, self, content[len(self._trt.mark) :], self._log)


class _Engine:
    def __init__(self, trt: FakeTrt, runtime: _Runtime, graph: bytes, log: Any) -> None:
        self.trt, self.runtime, self.log = trt, runtime, log
        model = onnx.load_model_from_string(graph)
        self.inputs = [_Tensor(port) for port in model.graph.input]
        self.outputs = [_Tensor(port) for port in model.graph.output]
        self._all = {tensor.name: tensor for tensor in (*self.inputs, *self.outputs)}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(graph, options)

    @property
    def num_io_tensors(self) -> int:
        return len(self._all)

    def get_tensor_name(self, index: int) -> str:
        return list(self._all)[index]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self._all[name].shape

    def get_tensor_dtype(self, name: str) -> np.dtype:
        return self._all[name].dtype

    def get_tensor_mode(self, name: str) -> _Mode:
        return _Mode.INPUT if self._all[name] in self.inputs else _Mode.OUTPUT

    def create_execution_context(self) -> _Context | None:
        if "context" in self.trt.refuse:
            self.log.log(_Severity.ERROR, "Error Code 2: OutOfMemory (Requested size was 5000000000 bytes.)")
            return None
        return _Context(self)


class _Context:
    def __init__(self, engine: _Engine) -> None:
        self._engine = engine
        self.addresses: dict[str, int] = {}
        engine.trt.machine.contexts.add(self)

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        engine, machine, addresses = self._engine, self._engine.trt.machine, dict(self.addresses)
        assert addresses.keys() == {t.name for t in (*engine.inputs, *engine.outputs)}, "addresses are missing"
        recording = machine.streams[stream].recorded is not None
        if "execute" in engine.trt.refuse or (recording and "record" in engine.trt.refuse):
            engine.log.log(_Severity.ERROR, "Error Code 1: Cask (Cask convolution execution)")
            return False

        def compute() -> None:
            feed = {t.name: t.of(machine.memory(addresses[t.name], t.nbytes)).copy() for t in engine.inputs}
            for tensor, value in zip(engine.outputs, engine.session.run(None, feed), strict=True):
                machine.memory(addresses[tensor.name], tensor.nbytes)[:] = value.reshape(-1).view(np.uint8)

        machine.put(stream, compute)
        return True


class _Tensor:
    def __init__(self, port: onnx.ValueInfoProto) -> None:
        self.name = port.name
        self.dtype = np.dtype(helper.tensor_dtype_to_np_dtype(port.type.tensor_type.elem_type))
        self.shape = tuple(d.dim_value if d.HasField("dim_value") else -1 for d in port.type.tensor_type.shape.dim)
        self.nbytes = int(np.prod(self.shape)) * self.dtype.itemsize

    def of(self, memory: np.ndarray) -> np.ndarray:
        return memory.view(self.dtype).reshape(self.shape)


class _Network:
    def __init__(self, flags: int) -> None:
        assert flags == 1 << _CreationFlag.STRONGLY_TYPED, "the network is not strongly typed"
        self.graph = b""
        self.inputs: list[_Tensor] = []
        self.outputs: list[_Tensor] = []

    @property
    def num_inputs(self) -> int:
        return len(self.inputs)

    @property
    def num_outputs(self) -> int:
        return len(self.outputs)

    def get_input(self, index: int) -> _Tensor:
        return self.inputs[index]

    def get_output(self, index: int) -> _Tensor:
        return self.outputs[index]


class _Parser:
    def __init__(self, network: _Network) -> None:
        self._network = network
        self._problem: str | None = None
        self.num_errors = 0

    def parse(self, content: bytes) -> bool:
        try:
            graph = onnx.load_model_from_string(content).graph
        except Exception:
            self._problem, self.num_errors = "Failed to parse ONNX model\nfrom memory", 1
            return False
        self._network.graph = content
        self._network.inputs = [_Tensor(port) for port in graph.input]
        self._network.outputs = [_Tensor(port) for port in graph.output]
        return True

    def get_error(self, index: int) -> _Parser:
        return self

    def desc(self) -> str:
        assert self._problem is not None
        return self._problem


class _Cache:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def serialize(self) -> bytes:
        return self.content


class _Config:
    def __init__(self, trt: FakeTrt) -> None:
        self._trt = trt
        self.cleared: list[str] = []
        self.workspace = 0
        self.builder_optimization_level = -1
        self.profiles: list[dict[str, tuple]] = []
        self.progress_monitor: Any = None
        self.cache: _Cache | None = None

    def set_memory_pool_limit(self, pool: str, size_bytes: int) -> None:
        assert pool == "WORKSPACE"
        self.workspace = size_bytes

    def clear_flag(self, flag: str) -> None:
        self.cleared.append(flag)

    def add_optimization_profile(self, profile: _Profile) -> None:
        self.profiles.append(profile.shapes)

    def create_timing_cache(self, content: bytes) -> _Cache:
        return _Cache(content)

    def set_timing_cache(self, cache: _Cache, ignore_mismatch: bool) -> bool:
        if cache.content and not cache.content.startswith(self._trt.mark):
            return False
        self.cache = cache
        return True


class _Profile:
    def __init__(self) -> None:
        self.shapes: dict[str, tuple] = {}

    def set_shape(self, name: str, *shapes: tuple[int, ...]) -> None:
        self.shapes[name] = shapes


class _Builder:
    def __init__(self, trt: FakeTrt, log: Any) -> None:
        self._trt, self._log = trt, log

    def create_network(self, flags: int) -> _Network:
        return _Network(flags)

    def create_builder_config(self) -> _Config:
        return _Config(self._trt)

    def create_optimization_profile(self) -> _Profile:
        return _Profile()

    def build_serialized_network(self, network: _Network, config: _Config) -> bytes | None:
        self._trt.configs.append(config)
        monitor = config.progress_monitor
        monitor.phase_start("Building", None, 4)
        for step in range(4):
            monitor.phase_start("Tactics", "Building", 9)
            if not monitor.step_complete("Building", step):
                return None
        monitor.phase_finish("Building")
        if "build" in self._trt.refuse:
            self._log.log(_Severity.ERROR, "Error Code 10: Could not find any implementation for node /Conv")
            return None
        assert config.cache is not None
        config.cache.content = self._trt.mark + b"timings"
        return self._trt.mark + network.graph
