"""An engine made slower by a known time, to see whether the measurements find it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from edge.engines.base import Engine, EngineSpec, Tensors
from edge.engines.load import Engines


class DelayedEngine:
    """Another engine, which it waits for `delay_ms` to call. It does not close it."""

    def __init__(self, engine: Engine, delay_ms: float, sleep: Callable[[float], None] = time.sleep) -> None:
        self._engine = engine
        self._delay_ms = delay_ms
        self._sleep = sleep

    @property
    def spec(self) -> EngineSpec:
        return self._engine.spec

    def infer(self, inputs: Tensors) -> Tensors:
        self._sleep(self._delay_ms / 1e3)
        return self._engine.infer(inputs)

    def close(self) -> None:
        """The engine belongs to the set that it came from."""


def delayed(engines: Engines, delays_ms: Mapping[str, float]) -> Engines:
    """The set with some engines slower; engine name -> ms."""
    slower: dict[str, Any] = {name: DelayedEngine(getattr(engines, name), ms) for name, ms in delays_ms.items()}
    return replace(engines, **slower)
