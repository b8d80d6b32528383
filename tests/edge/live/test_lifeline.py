"""A child whose main process is gone ends for certain, also when it takes no notice."""

from __future__ import annotations

import subprocess
import sys

from edge.live.link import Link

PROGRAM = """
import sys, time
from edge.live import lifeline
from edge.live.link import Link
lifeline._GRACE_S = 0.2
lifeline.listen(Link.inherited(int(sys.argv[1])), on_message=print, on_parent_gone=lambda: print("gone", flush=True))
time.sleep(60)
"""


def test_messages_are_taken_and_the_end_of_the_link_is_the_end() -> None:
    ours, theirs = Link.pair()
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(theirs.fileno())], pass_fds=(theirs.fileno(),), stdout=subprocess.PIPE
    )
    theirs.close()
    assert ours.send("hello", wait_s=5.0)
    ours.close()
    out, _ = child.communicate(timeout=20)
    assert out.split() == [b"hello", b"gone"]
    assert child.returncode == 1
