from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_nothing_but_the_view_itself_loads_textual() -> None:
    code = (
        "import sys, edge.cli, edge.tui, edge.tui.terminal, edge.plain, edge.sinks, edge.report, edge.score;"
        "sys.argv = ['egoact']; code = edge.cli.main(['--help']);"
        "sys.exit(code or sorted(m for m in sys.modules if m.split('.')[0] in ('textual', 'rich')) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
