"""Whether the tests of the parts that decide can fail: change one place of a module at a time and run its tests.

    python -m bench.mutants --out runs/mutants.md

The module is changed in memory only, in a process forked for one change; no file is touched. A change that its tests
let pass is a survivor. Those that change nothing that can be seen stand in `mutants_equivalent.json`, each with its
reason.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path

from bench.mutate import Mutant, load_instead, mutants_of

METHODS, TESTS = "trainer/methods", "tests/trainer/methods"
SUBJECTS: dict[str, tuple[str, ...]] = {
    "edge/rings.py": ("tests/edge/test_rings.py", "tests/edge/test_clip_windows.py", "tests/edge/test_pipeline.py"),
    "edge/video_ring.py": ("tests/edge/test_rings.py", "tests/edge/live/test_shared_rings.py"),
    "edge/audio_ring.py": ("tests/edge/test_rings.py", "tests/edge/live/test_shared_rings.py"),
    "edge/clip_windows.py": ("tests/edge/test_clip_windows.py",),
    "edge/decide.py": ("tests/edge/test_decide.py",),
    "calibration/qdq.py": ("tests/calibration/test_qdq.py", "tests/calibration/test_quant_plan.py"),
    **{
        f"{METHODS}/{name}.py": tuple(f"{TESTS}/test_{test}.py" for test in tests)
        for name, tests in {
            "info_nce": ("info_nce", "narration_aligned"),
            "narration_aligned": ("narration_aligned",),
            "erm": ("erm",),
            "coral": ("coral",),
            "mmd": ("mmd",),
            "rna": ("rna",),
            "boda": ("boda",),
            "one_vs_all": ("one_vs_all",),
            "supervised_contrastive": ("simmmdg",),
            "simmmdg": ("simmmdg",),
            "cir": ("cir",),
            "dann": ("dann",),
            "mixup": ("mixup",),
        }.items()
    },
}
"""Module -> the tests that must notice a change in it; the quickest first."""
HEAVY = ("numpy", "cv2", "av", "torch", "onnx", "onnxruntime", "openvino", "hypothesis", "pytest", "pytest_asyncio")
"""What the tests import of others, loaded once before the forks."""
EQUIVALENT = Path(__file__).with_name("mutants_equivalent.json")


def survives(mutant: Mutant, tests: tuple[str, ...], limit_s: float) -> bool:
    """Whether the tests pass with the change; a run over `limit_s` seconds counts as noticed."""
    child = os.fork()
    if child == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        import pytest

        load_instead(mutant)
        arguments = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow and not gpu", *tests]
        os._exit(int(pytest.main(arguments)))
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def main() -> int:
    """Write the report; 1 when a change went unnoticed that is not known to be equivalent."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--only", nargs="*", default=[], metavar="WORD", help="modules whose path holds one of these")
    parser.add_argument("--out", type=Path, default=Path("runs/mutants.md"), help="the report")
    parser.add_argument("--limit-s", type=float, default=60.0, help="for the tests of one change")
    options = parser.parse_args()
    for name in HEAVY:
        importlib.import_module(name)
    known = {(e["module"], e["line"], e["change"]) for e in json.loads(EQUIVALENT.read_text())}
    subjects = {m: t for m, t in SUBJECTS.items() if not options.only or any(word in m for word in options.only)}
    rows, loose = [], []
    for module, tests in subjects.items():
        if not survives(Mutant(module, 0, "", "none", None), tests, 10 * options.limit_s):
            print(f"{module}: its tests fail without any change: {' '.join(tests)}", file=sys.stderr)
            return 2
        killed, equivalent, survived = 0, 0, 0
        for mutant in mutants_of(Path(module)):
            if (module, mutant.text, mutant.change) in known:
                equivalent += 1
            elif survives(mutant, tests, options.limit_s):
                survived += 1
                loose.append(mutant)
                print(f"survived: {mutant}", flush=True)
            else:
                killed += 1
        rows.append(f"| {module} | {killed} | {survived} | {equivalent} |")
        print(f"{module}: {killed} noticed, {survived} survived, {equivalent} equivalent", flush=True)
    report = ["| module | noticed | survived | equivalent |", "|---|---|---|---|", *rows, ""]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("\n".join([*report, *(f"- {mutant}" for mutant in loose), ""]))
    return 1 if loose else 0


if __name__ == "__main__":
    raise SystemExit(main())
