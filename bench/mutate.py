"""Changes of one place in a module's source, as a careless hand would make them."""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    module: str
    """Path from the root of the tree."""
    line: int
    text: str
    """The line as it stands."""
    change: str
    tree: ast.Module | None
    """The changed module; None: as it stands."""

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.change}: {self.text}"


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Every change of a module: an operator swapped, a number one more or less, a condition negated, a call gone."""
    source = path.read_text()
    lines = source.splitlines()
    count = len(list(_places(ast.parse(source))))
    for index in range(count):
        variant = 0
        while True:
            tree = ast.parse(source)
            node = list(_places(tree))[index]
            change = _change(node, variant)
            if change is None:
                break
            line = node.lineno
            yield Mutant(str(path), line, lines[line - 1].strip(), change, ast.fix_missing_locations(tree))
            variant += 1


class _Instead(MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self.name = mutant.module.removesuffix(".py").replace("/", ".")
        self.mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        return spec_from_loader(fullname, _Loader(fullname, str(Path(self.mutant.module).resolve()), self.mutant))


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, mutant: Mutant) -> None:
        super().__init__(fullname, path)
        self.mutant = mutant

    def get_code(self, fullname: str) -> CodeType | None:
        assert self.mutant.tree is not None
        return compile(self.mutant.tree, self.path, "exec")


def load_instead(mutant: Mutant) -> None:
    """From now on an import of the module gives the changed one; it must not have been imported."""
    if mutant.tree is not None:
        finder = _Instead(mutant)
        assert finder.name not in sys.modules
        sys.meta_path.insert(0, finder)


def _places(tree: ast.Module) -> Iterator[ast.stmt | ast.expr]:
    """Statements and expressions in order, without annotations, decorators, assertions and what is raised."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop(0)
        if isinstance(node, (ast.Raise, ast.Assert, ast.Import, ast.ImportFrom)):
            continue
        if isinstance(node, (ast.stmt, ast.expr)):
            yield node
        for name, value in ast.iter_fields(node):
            if name not in ("annotation", "returns", "decorator_list", "bases"):
                todo += [
                    child for child in (value if isinstance(value, list) else [value]) if isinstance(child, ast.AST)
                ]


def _change(node: ast.stmt | ast.expr, variant: int) -> str | None:
    """Make the change of this number in place and say what it is; None when there is none."""
    before = copy.copy(node)
    if isinstance(node, ast.Compare) and variant < len(node.ops):
        return _swap(node.ops, variant)
    if variant == 0 and isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)):
        other = SWAPPED.get(type(node.op))
        if other is not None:
            node.op = other()  # type: ignore[assignment]
            return f"{type(before.op).__name__} to {other.__name__}"  # type: ignore[attr-defined]
    if isinstance(node, ast.Constant):
        return _other_number(node, variant)
    if variant == 0 and isinstance(node, (ast.If, ast.While, ast.IfExp)):
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return "condition negated"
    if variant == 0 and isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub, ast.Invert)):
        kind = type(node.op).__name__
        node.op = ast.UAdd() if isinstance(node.op, ast.USub) else ast.Not()
        if kind != "USub":
            node.operand = ast.UnaryOp(ast.Not(), node.operand) if kind == "Not" else node.operand
        return f"{kind} changed"
    return None if variant else _remove(node)


def _swap(operators: list[ast.cmpop], index: int) -> str | None:
    other = SWAPPED.get(type(operators[index]))
    if other is None:
        return None
    change = f"{type(operators[index]).__name__} to {other.__name__}"
    operators[index] = other()  # type: ignore[call-overload]
    return change


def _other_number(node: ast.Constant, variant: int) -> str | None:
    before = node.value
    if isinstance(before, bool):
        node.value = not before
        return f"{before} negated" if variant == 0 else None
    if not isinstance(before, (int, float)) or variant > 1:
        return None
    node.value = before + (1, -1)[variant]
    return f"{before} to {node.value}"


def _remove(node: ast.stmt | ast.expr) -> str | None:
    """Calls, and assignments to attributes and items; without one to a name the next line would only fail."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        node.value = ast.Constant(None)
        return "call removed"
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Attribute, ast.Subscript, ast.Tuple)):
        if isinstance(node.targets[0], ast.Tuple) and not isinstance(node.targets[0].elts[0], ast.Attribute):
            return None
        node.targets, node.value = [ast.Name("_removed", ast.Store())], ast.Constant(None)
        return "assignment removed"
    return None
