"""Fixtures of the capture tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.capture.pulse import PulseServer


@pytest.fixture
def pulse_server(tmp_path: Path) -> Iterator[PulseServer]:
    """A running sound server whose microphone is silent until `pulse_server.emitter(...)` feeds it."""
    with PulseServer(tmp_path) as server:
        yield server
