"""Reference implementations of which one file is wanted, without what their packages import besides."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def reference_path(package: str, file: str) -> Path:
    """A file of an installed package, which is not imported; skips the test where there is none."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"{package}, the reference implementation, is not installed")
    return Path(spec.submodule_search_locations[0]) / file


def load_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"reference_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **content: Any) -> None:
    """A module `name` for the time of the test, with nothing but `content` in it."""
    module = ModuleType(name)
    vars(module).update(content)
    monkeypatch.setitem(sys.modules, name, module)


def load_torchaudio_kaldi(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """torchaudio's Kaldi functions, which are plain Python; its compiled library need not load."""
    path = reference_path("torchaudio", "compliance/kaldi.py")
    stand_in(monkeypatch, "torchaudio")
    return load_file(path)
