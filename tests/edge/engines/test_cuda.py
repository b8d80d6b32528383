"""CUDA behind its interface: one contract for every implementation, the driver's answers, and what is not installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from edge.engines import gpu as gpu_module
from edge.engines.cuda_bindings import BindingsCuda
from edge.engines.cuda_driver import find_device
from edge.engines.cuda_graph import CudaGraphs
from edge.engines.cuda_memory import Cuda, open_cuda
from edge.engines.cuda_pycuda import PycudaCuda
from edge.engines.gpu import find_gpu
from edge.errors import EngineError, NoGpuError
from tests.edge.engines.fake_cuda import FakeMachine
from tests.edge.engines.gpus import ORIN
from tests.edge.engines.stub_cuda import StubDriver, StubPycuda, StubRuntime


def real(module: str, make: Callable[[Any], Cuda]) -> Callable[[], Cuda]:
    def opened() -> Cuda:
        try:
            find_device()
        except NoGpuError as error:
            pytest.skip(str(error))
        return make(pytest.importorskip(module))

    return opened


IMPLEMENTATIONS = {
    "fake": lambda: FakeMachine().open(),
    "pycuda on a stub": lambda: PycudaCuda(StubPycuda(), CudaGraphs(StubDriver())),
    "cuda-python on a stub": lambda: BindingsCuda(StubRuntime(), CudaGraphs(StubDriver())),
    "pycuda": real("pycuda.driver", PycudaCuda),
    "cuda-python": real("cuda.bindings.runtime", BindingsCuda),
}


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(make, id=name, marks=() if "stub" in name or name == "fake" else pytest.mark.gpu)
        for name, make in IMPLEMENTATIONS.items()
    ],
)
@pytest.mark.parametrize(("shape", "dtype"), [((1, 4, 3), np.uint8), ((2, 5), np.float32)])
def test_what_goes_to_the_device_comes_back(make: Callable[[], Cuda], shape: tuple[int, ...], dtype: type) -> None:
    cuda = make()
    there, back = cuda.alloc_pinned(shape, dtype), cuda.alloc_pinned(shape, dtype)
    assert (there.shape, there.dtype) == (shape, dtype)
    there[...] = np.arange(there.size).reshape(shape)
    back.fill(0)
    address, stream = cuda.alloc_device(there.nbytes), cuda.create_stream()
    first, second = cuda.create_event(), cuda.create_event()
    cuda.record(first, stream)
    cuda.to_device(address, there, stream)
    cuda.to_host(back, address, stream)
    cuda.record(second, stream)
    cuda.synchronise(stream)
    assert (back == there).all()
    assert cuda.elapsed_ms(first, second) > 0
    free, total = cuda.memory_info()
    assert 0 < free < total
    for event in (first, second):
        cuda.destroy_event(event)
    cuda.free_device(address)
    for array in (there, back):
        cuda.free_pinned(array)
    cuda.destroy_stream(stream)
    cuda.close()


def test_pycuda_shares_the_primary_context_and_leaves_it() -> None:
    driver = StubPycuda()
    cuda = PycudaCuda(driver, CudaGraphs(StubDriver()))
    assert driver.stack == ["primary"]
    cuda.create_stream()
    assert driver.stream_flags == [1]  # does not wait for the default stream
    cuda.close()
    cuda.close()
    assert driver.stack == []


def test_memory_is_given_back_to_the_library() -> None:
    driver = StubPycuda()
    cuda = PycudaCuda(driver, CudaGraphs(StubDriver()))
    cuda.free_device(cuda.alloc_device(64))
    cuda.free_pinned(cuda.alloc_pinned((4, 4), np.float32))
    assert [allocation.freed for allocation in driver.allocations] == [True, True]
    runtime = StubRuntime()
    bindings = BindingsCuda(runtime, CudaGraphs(StubDriver()))
    bindings.free_device(bindings.alloc_device(64))
    bindings.free_pinned(bindings.alloc_pinned((4, 4), np.float32))
    assert runtime.memory == {}


def test_errors_of_the_libraries_become_ours() -> None:
    driver = StubPycuda()
    driver.error = RuntimeError("cuMemAlloc failed: out of memory")
    with pytest.raises(EngineError, match="CUDA: 64 bytes of device memory: cuMemAlloc failed: out of memory"):
        PycudaCuda(driver, CudaGraphs(StubDriver())).alloc_device(64)
    runtime = StubRuntime()
    runtime.fail.add("cudaMalloc")
    with pytest.raises(EngineError, match="CUDA: cudaMalloc gives cudaErrorMemoryAllocation"):
        BindingsCuda(runtime, CudaGraphs(StubDriver())).alloc_device(64)


class WithoutDriver:
    """The real cuda.bindings.runtime, but for the first call, which would end everything here."""

    def __init__(self, runtime: ModuleType) -> None:
        self._runtime = runtime

    def __getattr__(self, name: str) -> Any:
        return (lambda device: (0,)) if name == "cudaSetDevice" else getattr(self._runtime, name)


def test_the_real_cuda_python_takes_our_arguments() -> None:
    """Without a driver it answers every call with an error; wrong arguments would be a TypeError."""
    runtime = pytest.importorskip("cuda.bindings.runtime", reason="cuda-python is not installed")
    try:
        find_device()
        pytest.skip("there is a driver: the contract above runs on the card")
    except NoGpuError:
        pass
    cuda = BindingsCuda(WithoutDriver(runtime), CudaGraphs(StubDriver()))
    event, array = runtime.cudaEvent_t(), np.zeros(4, np.float32)
    cuda._pinned[array.ctypes.data] = array.ctypes.data
    calls: list[Callable[[], object]] = [
        lambda: cuda.alloc_device(64),
        lambda: cuda.free_device(0x1000),
        lambda: cuda.alloc_pinned((2, 2), np.float32),
        lambda: cuda.free_pinned(array),
        cuda.create_stream,
        lambda: cuda.destroy_stream(0x1000),
        cuda.create_event,
        lambda: cuda.record(event, 0x1000),
        lambda: cuda.elapsed_ms(event, event),
        lambda: cuda.destroy_event(event),
        lambda: cuda.to_device(0x1000, array, 0x1000),
        lambda: cuda.to_host(array, 0x1000, 0x1000),
        lambda: cuda.synchronise(0x1000),
        cuda.memory_info,
    ]
    for call in calls:
        with pytest.raises(EngineError, match="cudaErrorInsufficientDriver"):
            call()


def test_a_graph_is_recorded_launched_and_destroyed() -> None:
    driver = StubDriver()
    graphs = CudaGraphs(driver)
    graphs.begin_capture(5)
    graph = graphs.end_capture(5)
    graphs.launch(graph, 5)
    graphs.destroy_graph(graph)
    assert driver.calls == [
        "cuStreamBeginCapture_v2",
        "cuStreamEndCapture",
        "cuGraphInstantiateWithFlags",
        "cuGraphDestroy 71",
        "cuGraphLaunch 72",
        "cuGraphExecDestroy 72",
    ]


def test_a_graph_that_cannot_be_made_ready_is_not_kept() -> None:
    driver = StubDriver(fail={"cuGraphInstantiateWithFlags": 100})
    with pytest.raises(EngineError, match="cuGraphInstantiateWithFlags gives CUDA_ERROR_NO_DEVICE"):
        CudaGraphs(driver).end_capture(5)
    assert "cuGraphDestroy 71" in driver.calls


def test_the_driver_tells_of_its_device() -> None:
    assert find_device(lambda name: StubDriver()) == ORIN


@pytest.mark.parametrize(
    ("driver", "words"),
    [
        (StubDriver(fail={"cuInit": 100}), "cuInit gives CUDA_ERROR_NO_DEVICE"),
        (StubDriver(fail={"cuInit": 803}), "cuInit gives error 803"),
        (StubDriver(devices=0), "finds no GPU"),
        (StubDriver(fail={"cuDeviceGetName": 100}), "cuDeviceGetName gives CUDA_ERROR_NO_DEVICE"),
    ],
)
def test_a_driver_that_does_not_work_is_told(driver: StubDriver, words: str) -> None:
    with pytest.raises(NoGpuError, match=words):
        find_device(lambda name: driver)


def test_no_driver() -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    with pytest.raises(NoGpuError, match=r"no NVIDIA driver here \(libcuda.so.1 cannot be loaded\)"):
        find_device(missing)


def only(monkeypatch: pytest.MonkeyPatch, found: dict[str, Any]) -> None:
    """Of the libraries for a GPU, only these are installed."""
    gone = ("pycuda", "cuda", "tensorrt", "tensorrt_rtx")
    find = importlib.import_module

    def import_module(name: str) -> Any:
        if name in found:
            return found[name]
        if name.split(".")[0] in gone:
            raise ModuleNotFoundError(name, name=name)
        return find(name)

    monkeypatch.setattr(importlib, "import_module", import_module)


def test_neither_pycuda_nor_cuda_python(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, {})
    with pytest.raises(NoGpuError, match=r"neither pycuda nor cuda-python.*egoact\[jetson\]"):
        open_cuda()


def test_pycuda_is_taken_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.engines.cuda_pycuda.CudaGraphs", lambda: CudaGraphs(StubDriver()))
    monkeypatch.setattr("edge.engines.cuda_bindings.CudaGraphs", lambda: CudaGraphs(StubDriver()))
    only(monkeypatch, {"pycuda.driver": StubPycuda(), "cuda.bindings.runtime": StubRuntime()})
    assert isinstance(open_cuda(), PycudaCuda)
    only(monkeypatch, {"cuda.bindings.runtime": StubRuntime()})
    assert isinstance(open_cuda(), BindingsCuda)


def test_no_tensorrt_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_module, "find_device", lambda: ORIN)
    only(monkeypatch, {})
    with pytest.raises(NoGpuError) as caught:
        find_gpu()
    assert "no module 'tensorrt'" in str(caught.value)
    assert "--system-site-packages" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tensorrt_is_taken_before_rtx(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {}
    for name in ("tensorrt", "tensorrt_rtx"):
        modules[name] = ModuleType(name)
        modules[name].__version__ = "1.0"  # type: ignore[attr-defined]
    monkeypatch.setattr(gpu_module, "find_device", lambda: ORIN)
    only(monkeypatch, modules)
    assert find_gpu().platform.module == "tensorrt"
    only(monkeypatch, {"tensorrt_rtx": modules["tensorrt_rtx"]})
    assert find_gpu().platform.module == "tensorrt_rtx"


def test_tensorrt_is_not_imported_before_the_driver_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver() -> None:
        raise NoGpuError("no driver")

    imported: list[str] = []
    monkeypatch.setattr(gpu_module, "find_device", no_driver)
    monkeypatch.setattr(importlib, "import_module", imported.append)
    with pytest.raises(NoGpuError, match="no driver"):
        find_gpu()
    assert imported == []
