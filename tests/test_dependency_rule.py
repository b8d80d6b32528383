"""The one dependency rule: edge is the leaf, it imports no other package of ours and never torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "edge": {"edge"},
    "trainer": {"trainer", "edge"},
    "calibration": {"calibration", "edge", "trainer"},
    "export": {"export", "edge", "trainer", "calibration"},
}


def imported_roots(source: str) -> set[str]:
    """First parts of all absolute imports of a module, wherever they stand in it."""
    roots = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            roots.add(node.module.split(".")[0])
    return roots


def breaches(package: str, source: str) -> set[str]:
    forbidden = (set(ALLOWED) - ALLOWED[package]) | ({"torch"} if package == "edge" else set())
    return imported_roots(source) & forbidden


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_packages_import_only_what_they_may(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files, f"no modules in {package}"
    found = {str(file.relative_to(ROOT)): bad for file in files if (bad := breaches(package, file.read_text("utf-8")))}
    assert not found


@pytest.mark.parametrize(
    "line", ["import torch", "from trainer.fit import fit", "def f():\n    import export.onnx_graphs"]
)
def test_the_check_sees_a_breach(line: str) -> None:
    assert breaches("edge", line)


def test_edge_runs_without_torch() -> None:
    """Import every module of edge in a fresh interpreter in which torch cannot be imported."""
    modules = sorted(
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for file in (ROOT / "edge").rglob("*.py")
    )
    program = f"""
import importlib, sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "trainer", "export", "calibration"):
            raise ImportError(name + " is forbidden in edge")
sys.meta_path.insert(0, NoTorch())
for module in {modules!r}:
    importlib.import_module(module)
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
