"""No file of ours runs what it reads: no pickle, eval, exec, shell or YAML, and no guessable temporary name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("edge", "trainer", "calibration", "export", "bench", "docs")
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "yaml", "joblib"}
MAY_IMPORT = {
    # Between processes of one run, over a pair of sockets or one in a folder of mode 700 that nobody else can reach.
    "edge/live/link.py": {"pickle"},
    # The name of its errors: torch.load(weights_only=True) raises UnpicklingError.
    "trainer/models/checkpoint_file.py": {"pickle"},
    # A benchmark's file of known sha256, by an unpickler that builds arrays only.
    "bench/i3d.py": {"pickle"},
}
FORBIDDEN_CALLS = {
    *("eval", "exec", "__import__", "os.system", "os.popen", "os.tempnam", "tempfile.mktemp"),
    *("subprocess.getoutput", "subprocess.getstatusoutput", "commands.getoutput", "torch.jit.load", "pty.spawn"),
}


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def faults(name: str, text: str) -> Iterator[str]:
    """'line: what' of everything that is forbidden in a source."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            for module in names:
                if module.partition(".")[0] in FORBIDDEN_MODULES - MAY_IMPORT.get(name, set()):
                    yield f"{node.lineno}: imports {module}"
        elif isinstance(node, ast.Call):
            yield from _call(node)


def _call(node: ast.Call) -> Iterator[str]:
    called = ast.unparse(node.func)
    if called in FORBIDDEN_CALLS:
        yield f"{node.lineno}: calls {called}"
    given = {word.arg: word.value for word in node.keywords}
    if _is(given.get("shell"), True) or ("shell" in given and not isinstance(given["shell"], ast.Constant)):
        yield f"{node.lineno}: {called} with a shell"
    if "allow_pickle" in given and not _is(given["allow_pickle"], False):
        yield f"{node.lineno}: {called} allows pickles"
    if called.endswith("torch.load") and not _is(given.get("weights_only"), True):
        yield f"{node.lineno}: torch.load without weights_only=True"
    if called.endswith("np.load") and "allow_pickle" in given and not _is(given["allow_pickle"], False):
        yield f"{node.lineno}: np.load with pickles"
    if called.endswith(("extractall", "unpack_archive")):
        yield f"{node.lineno}: {called} writes where an archive says"
    if _is(given.get("trust_remote_code"), True):
        yield f"{node.lineno}: {called} runs code of a repository"


def _is(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_that_is_read_is_run(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{fault}"
        for path in sources()
        if path.is_relative_to(ROOT / package)
        for fault in faults(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from yaml import load",
        "eval(text)",
        "subprocess.run(line, shell=True)",
        "subprocess.run(line, shell=asked)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "tempfile.mktemp()",
        "os.system(line)",
        "archive.extractall(folder)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
    ],
)
def test_the_scan_sees(line: str) -> None:
    assert list(faults("edge/other.py", line))
