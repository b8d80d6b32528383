"""What is loaded before anything is done, and what the bare install brings with it."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution

import pytest

HEAVY = ("numpy", "av", "cv2", "openvino", "textual", "sounddevice", "torch", "soxr")
ALLOWED = re.compile(
    r"Apache|BSD|MIT|ISC|PSF|Python Software Foundation|LGPL|MPL|Zlib|0BSD|CC0|Unlicense", re.IGNORECASE
)
FORBIDDEN = re.compile(r"(?<![L])GPL|AGPL|proprietary|non.?commercial", re.IGNORECASE)
RUNTIME = ("av", "numpy", "opencv-python-headless", "openvino", "sounddevice", "soxr", "textual")


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["live", "--help"], ["replay", "--help"]])
def test_help_loads_little(words: list[str]) -> None:
    heavy = HEAVY if words[0].startswith("--") else ("openvino", "torch", "textual", "sounddevice")
    program = (
        "import sys\nfrom edge.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', [name for name in {heavy!r} if sys.modules.get(name) is not None])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


def licence(name: str) -> str:
    """What a distribution says of itself: expression, classifiers, or text."""
    metadata = distribution(name).metadata
    classifiers = [
        c.rpartition("::")[2].strip() for c in metadata.get_all("Classifier") or [] if c.startswith("License")
    ]
    told = metadata.get("License-Expression") or "; ".join(classifiers) or (metadata.get("License") or "")
    return told.splitlines()[0] if told else ""


def below(name: str, seen: set[str]) -> set[str]:
    """The distribution and all that it needs without an extra, as far as they are installed here."""
    if name in seen:
        return seen
    try:
        needed = distribution(name).requires or []
    except PackageNotFoundError:
        return seen
    seen.add(name)
    for line in needed:
        if "extra ==" not in line:
            below(re.split(r"[\s;<>=!~\[(]", line, maxsplit=1)[0], seen)
    return seen


def test_licences_of_the_bare_install_let_it_be_used() -> None:
    told = {name: licence(name) for root in RUNTIME for name in below(root, set())}
    assert set(RUNTIME) <= set(told)
    assert {name: text for name, text in told.items() if not ALLOWED.search(text) or FORBIDDEN.search(text)} == {}
