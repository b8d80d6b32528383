"""Rules of the house that a program can check: short files, no rooms for odds and ends, documented names."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("edge", "trainer", "calibration", "export")
ALL = (*PACKAGES, "bench", "docs", "tests")
LONGEST_LINES = 300


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def undocumented(source: str) -> list[str]:
    """Public functions and classes of a module without a docstring, and the module itself."""
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) or not tree.body else ["the module"]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    named = [node for node in tree.body if isinstance(node, kinds)]
    return found + [node.name for node in named if not node.name.startswith("_") and not ast.get_docstring(node)]


def test_no_file_is_longer_than_a_reader_keeps_in_mind() -> None:
    counts = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in sources(*ALL)}
    assert {path: lines for path, lines in counts.items() if lines > LONGEST_LINES} == {}


def test_no_file_is_for_odds_and_ends() -> None:
    odd = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}
    assert [str(path) for path in sources(*ALL) if path.name in odd] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_says_what_it_is(package: str) -> None:
    found = {str(path.relative_to(ROOT)): undocumented(path.read_text("utf-8")) for path in sources(package)}
    assert {path: names for path, names in found.items() if names} == {}


def test_the_check_sees_what_is_missing() -> None:
    assert undocumented("def shown(): ...\ndef _own(): ...\nclass Kept:\n    'A class.'\n") == ["the module", "shown"]
