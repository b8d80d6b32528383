"""CUDA without a GPU that watches whether it is used rightly.

Streams do nothing before they are synchronised, as a busy GPU does nothing yet: an engine that reads too early reads
rubbish. What is wrong raises AssertionError: double free, use after free, a foreign stream or thread, copies from
memory that is not page-locked, and writing past the end. `FakeMachine.left` tells of leaks.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from edge.errors import EngineError

Work = Callable[[], None]
FRESH, FREED = 0xCD, 0xDD


class FakeStream:
    def __init__(self) -> None:
        self.waiting: list[Work] = []
        self.recorded: list[Work] | None = None


class FakeEvent:
    def __init__(self) -> None:
        self.alive = True
        self.at: int | None = None


class FakeMachine:
    """Device memory and streams, shared by everybody who opened CUDA."""

    def __init__(self) -> None:
        self.device: dict[int, NDArray[np.uint8]] = {}
        self.pinned: dict[int, NDArray] = {}
        self.streams: dict[int, FakeStream] = {}
        self.events: set[FakeEvent] = set()
        self.graphs: dict[int, list[Work]] = {}
        self.contexts: weakref.WeakSet[Any] = weakref.WeakSet()
        """TensorRT's execution contexts that live; `addresses` of each are in use."""
        self.opened = 0
        self.allocations = 0
        self.now = 0
        self.fail: dict[str, str] = {}
        """Call -> the error that CUDA gives from now on."""
        self._next = 0x1000

    def open(self) -> FakeCuda:
        return FakeCuda(self)

    def handle(self) -> int:
        self._next += 0x100000
        return self._next

    def put(self, stream: int, work: Work) -> None:
        """Into a stream; into its recording while one is made."""
        assert stream in self.streams, f"stream {stream:#x} does not exist"
        into = self.streams[stream]
        (into.waiting if into.recorded is None else into.recorded).append(work)

    def memory(self, address: int, size_bytes: int) -> NDArray[np.uint8]:
        assert address in self.device, f"device memory {address:#x} is not allocated (used after free?)"
        block = self.device[address]
        assert size_bytes <= block.nbytes, f"{size_bytes} bytes at {address:#x}, which has {block.nbytes}: past the end"
        return block[:size_bytes]

    def left(self) -> dict[str, int]:
        """What was not given back."""
        kinds = {"device": self.device, "pinned": self.pinned, "streams": self.streams, "events": self.events}
        found = {**{kind: len(things) for kind, things in kinds.items()}, "graphs": len(self.graphs)}
        return {kind: count for kind, count in {**found, "opened": self.opened}.items() if count}


class FakeCuda:
    """`edge.engines.cuda_memory.Cuda` on a FakeMachine."""

    def __init__(self, machine: FakeMachine) -> None:
        self._machine = machine
        self._thread = threading.current_thread()
        self._mine: set[int] = set()
        self._open = True
        machine.opened += 1

    def _enter(self, call: str) -> FakeMachine:
        assert threading.current_thread() is self._thread, f"{call} in the wrong thread"
        assert self._open, f"{call} after close"
        if call in self._machine.fail:
            raise EngineError(f"CUDA: {call} gives {self._machine.fail[call]}")
        return self._machine

    def alloc_device(self, size_bytes: int) -> int:
        machine = self._enter("alloc_device")
        machine.allocations += 1
        address = machine.handle()
        machine.device[address] = np.full(size_bytes, FRESH, np.uint8)
        return address

    def free_device(self, address: int) -> None:
        machine = self._enter("free_device")
        assert address in machine.device, f"device memory {address:#x} freed twice"
        self._idle("device memory freed")
        users = [context for context in machine.contexts if address in context.addresses.values()]
        assert not users, "device memory freed that an execution context still uses"
        machine.device.pop(address).fill(FREED)

    def alloc_pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
        machine = self._enter("alloc_pinned")
        machine.allocations += 1
        block = np.full(int(np.prod(shape)) * np.dtype(dtype).itemsize, FRESH, np.uint8)
        array = block.view(dtype).reshape(shape)
        machine.pinned[array.ctypes.data] = array
        return array

    def free_pinned(self, array: NDArray) -> None:
        machine = self._enter("free_pinned")
        assert array.ctypes.data in machine.pinned, "page-locked memory freed twice"
        self._idle("page-locked memory freed")
        machine.pinned.pop(array.ctypes.data).view(np.uint8).fill(FREED)

    def create_stream(self) -> int:
        machine = self._enter("create_stream")
        handle = machine.handle()
        machine.streams[handle] = FakeStream()
        self._mine.add(handle)
        return handle

    def destroy_stream(self, stream: int) -> None:
        machine = self._enter("destroy_stream")
        assert stream in self._mine, "stream destroyed twice, or somebody else's"
        self._idle("stream destroyed")
        self._mine.remove(stream)
        del machine.streams[stream]

    def create_event(self) -> FakeEvent:
        event = FakeEvent()
        self._enter("create_event").events.add(event)
        return event

    def record(self, event: FakeEvent, stream: int) -> None:
        machine = self._enter("record")
        assert event.alive, "event used after it was destroyed"
        event.at = None

        def passes() -> None:
            machine.now += 1
            event.at = machine.now

        self._put(stream, passes)

    def elapsed_ms(self, first: FakeEvent, second: FakeEvent) -> float:
        self._enter("elapsed_ms")
        assert first.at is not None, "the first event has not passed yet"
        assert second.at is not None, "the second event has not passed yet"
        return float(second.at - first.at)

    def destroy_event(self, event: FakeEvent) -> None:
        machine = self._enter("destroy_event")
        assert event.alive, "event destroyed twice"
        event.alive = False
        machine.events.remove(event)

    def to_device(self, address: int, array: NDArray, stream: int) -> None:
        machine = self._enter("to_device")
        self._check_pinned(array)
        machine.memory(address, array.nbytes)

        def copy() -> None:
            machine.memory(address, array.nbytes)[:] = array.reshape(-1).view(np.uint8)

        self._put(stream, copy)

    def to_host(self, array: NDArray, address: int, stream: int) -> None:
        machine = self._enter("to_host")
        self._check_pinned(array)
        machine.memory(address, array.nbytes)

        def copy() -> None:
            array.reshape(-1).view(np.uint8)[:] = machine.memory(address, array.nbytes)

        self._put(stream, copy)

    def synchronise(self, stream: int) -> None:
        assert stream in self._mine, "synchronised somebody else's stream"
        into = self._machine.streams[stream]
        if "synchronise" in self._machine.fail:
            into.waiting = []  # what a faulty device was to do is never done
        self._enter("synchronise")
        assert into.recorded is None, "synchronised while recording"
        waiting, into.waiting = into.waiting, []
        for work in waiting:
            work()

    def begin_capture(self, stream: int) -> None:
        into = self._enter("begin_capture").streams[stream]
        assert into.recorded is None, "recording twice"
        into.recorded = []

    def end_capture(self, stream: int) -> int:
        machine = self._machine
        into = machine.streams[stream]
        assert into.recorded is not None, "nothing is being recorded"
        recorded, into.recorded = into.recorded, None
        self._enter("end_capture")
        handle = machine.handle()
        machine.graphs[handle] = recorded
        return handle

    def launch(self, graph: int, stream: int) -> None:
        machine = self._enter("launch")
        assert graph in machine.graphs, "graph used after it was destroyed"
        for work in machine.graphs[graph]:
            self._put(stream, work)

    def destroy_graph(self, graph: int) -> None:
        machine = self._enter("destroy_graph")
        assert graph in machine.graphs, "graph destroyed twice"
        del machine.graphs[graph]

    def memory_info(self) -> tuple[int, int]:
        self._enter("memory_info")
        return 100 << 20, 8000 << 20

    def close(self) -> None:
        self._enter("close")
        assert not self._mine, "closed with streams left"
        self._open = False
        self._machine.opened -= 1

    def _put(self, stream: int, work: Work) -> None:
        assert stream in self._mine, "somebody else's stream"
        self._machine.put(stream, work)

    def _check_pinned(self, array: NDArray) -> None:
        assert array.ctypes.data in self._machine.pinned, "an asynchronous copy of memory that is not page-locked"

    def _idle(self, what: str) -> None:
        busy = [stream for stream in self._mine if self._machine.streams[stream].waiting]
        assert not busy, f"{what} while work is waiting"
