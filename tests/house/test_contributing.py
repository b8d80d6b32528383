"""The examples of CONTRIBUTING.md, executed as they stand there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from trainer.methods.table import METHODS

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text("utf-8")
BLOCK = re.compile(r"^```python (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def example(topic: str) -> str:
    return "\n".join(code for name, code in BLOCK.findall(TEXT) if name == topic)


def test_there_is_an_example_of_each() -> None:
    assert [name for name, _ in BLOCK.findall(TEXT)] == [
        t for t in ("method", "engine", "source", "panel") for _ in "12"
    ]


@pytest.mark.parametrize("topic", ["method", "engine", "source", "panel"])
def test_the_example_does_what_it_says(topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(METHODS)
    module = ModuleType(f"example_{topic}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    try:
        exec(compile(example(topic), f"CONTRIBUTING.md, {topic}", "exec"), module.__dict__)
    finally:
        METHODS.clear()
        METHODS.update(before)


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text("utf-8")
    named = {first or second for first, second in re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)`", TEXT, re.MULTILINE)}
    assert named
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()
