"""Plays clips to their ends with little memory: python -m tests.hostile.media_child MIB CLIP...

One JSON object a clip on stdout: {"clip", "typed" (the message of a typed error) or "other" (any other error)}.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from pathlib import Path

from edge.contract import WindowSpec
from edge.errors import EgoactError
from edge.report.moments import thumbnail
from edge.sources.audio_track import AudioTrack
from edge.sources.replay import ReplaySource

SPEC = WindowSpec(frame_size_px=64)
_MOST_EVENTS = 50_000


def play(clip: Path) -> None:
    """Decode picture and sound, as replay does, and a thumbnail, as a report does."""
    thumbnail(clip, 1_000_000_000)
    if clip.suffix == ".wav":
        for _ in zip(range(_MOST_EVENTS), AudioTrack(clip, SPEC, 0).events(), strict=False):
            pass
        return
    source = ReplaySource(clip, SPEC)
    source.open()
    try:
        for _ in range(_MOST_EVENTS):
            if source.read(0.0) is None:
                return
    finally:
        source.close()


def main() -> None:
    limit = int(sys.argv[1]) << 20
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + limit, in_use + limit))
    for name in sys.argv[2:]:
        told = {"clip": name}
        try:
            with contextlib.redirect_stderr(sys.stdout):
                play(Path(name))
        except EgoactError as error:
            told["typed"] = str(error)
        except BaseException as error:
            told["other"] = f"{type(error).__name__}: {error}"
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
