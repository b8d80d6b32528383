"""A trap for processes that talk to the network: every attempt, in a child and in its children, is written down."""

from __future__ import annotations

import os
from pathlib import Path

_HOOK = """
import sys

def hook(event, args):
    # AF_UNIX addresses are text: sound servers and the like are no network.
    if event == "socket.getaddrinfo" or event == "socket.connect" and not isinstance(args[1], (str, bytes)):
        with open({log!r}, "a") as log:
            log.write(f"{{sys.argv}}: {{event}} {{args}}\\n")

sys.addaudithook(hook)
"""


def network_trap(folder: Path) -> tuple[dict[str, str], Path]:
    """Environment for Python processes, and the file into which their attempts go (absent while there are none).

    HOME is a new folder too, so that what a library writes there can be seen.
    """
    (folder / "home").mkdir(parents=True)
    log = folder / "network"
    (folder / "sitecustomize.py").write_text(_HOOK.format(log=str(log)))
    path = os.pathsep.join((str(folder), str(Path.cwd())))
    return {**os.environ, "PYTHONPATH": path, "HOME": str(folder / "home")}, log
