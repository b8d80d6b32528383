"""Mean power of the board while something runs, where the board measures it."""

from __future__ import annotations

import threading
from types import TracebackType

import numpy as np

from edge.power import PowerReader

PERIOD_S = 0.1


class PowerMeter:
    """Reads the rails ten times a second between `__enter__` and `__exit__`; may be entered again and again."""

    def __init__(self, reader: PowerReader) -> None:
        self._reader = reader
        self._milliwatts: list[int] = []
        self.throttling: dict[str, None] = {}
        """What held the machine back meanwhile, in words, each once."""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def milliwatts(self) -> float | None:
        """Mean over all that was measured; None where the board does not tell."""
        return float(np.mean(self._milliwatts)) if self._milliwatts else None

    def __enter__(self) -> PowerMeter:
        self._stop.clear()
        self._thread = threading.Thread(target=self._watch, name="power", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(PERIOD_S):
            reading = self._reader.read()
            if reading.total_mw is not None:
                self._milliwatts.append(reading.total_mw)
            if reading.throttling:
                self.throttling[reading.throttling] = None
