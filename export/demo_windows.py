"""Windows of the built-in clip, as the runtime sees them: what exported graphs are tried on."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence

from edge.clip_windows import replay_events
from edge.contract import WindowSpec
from edge.demo import DEMO
from trainer.features.windows import RowInput, row_inputs


def demo_windows(spec: WindowSpec, rows: Sequence[int]) -> list[RowInput]:
    """Rows of the demo clip by their numbers, ascending, each with the sound of the live clip that it ends.

    Raises:
        SourceError: the clip cannot be read.
    """
    clip = min(DEMO.glob("*.mp4"))
    with contextlib.closing(replay_events(clip, spec)) as events:
        first = list(itertools.islice(row_inputs(events, spec), rows[-1] + 1))
    return [first[row] for row in rows]
