"""Play, pause, seek and speed of a replay that a user watches: what the view shows, apart from what is computed.

The pipeline goes through the clip once, from its beginning to its end, whatever the user does: no result depends on
what was looked at. The view follows it until the user goes to another place; from then on it has a position of its own
in what was computed. Where that is asked for beyond it, the pipeline leaves the real pace behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from edge.contract import NS_PER_S, Snapshot
from edge.playback import Disagreement, Playback
from edge.replay.history import History

SLOWEST, FASTEST = 0.25, 16.0


class Transport:
    """Every method may be called from the view's thread, and returns at once."""

    def __init__(
        self,
        look: Callable[[bool], Snapshot],
        history: History,
        duration_ns: Callable[[], int | None],
        hurry: Callable[[], None],
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`look(picture)` is the pipeline's newest snapshot; `hurry` lets it go on as fast as it can."""
        self._look = look
        self._history = history
        self._duration_ns = duration_ns
        self._hurry = hurry
        self._now_ns = now_ns
        self._position_ns: int | None = None
        """None: follow the pipeline."""
        self._speed = 1.0
        self._paused = False
        self._sought_ns: int | None = None
        """A place that is not computed yet."""
        self._looks_after_ns: int | None = None
        """The first disagreement after this is not computed yet."""
        self._looked_ns = now_ns()
        self._steered = False

    def latest(self) -> Snapshot:
        """What to show now; asked for ten times a second."""
        now_ns = self._now_ns()
        passed_ns, self._looked_ns = now_ns - self._looked_ns, now_ns
        if self._position_ns is None:
            newest = self._look(True)
            # After a user has steered, the end of the clip does not end the view.
            return replace(newest, finished=newest.finished and not self._steered)
        self._move(passed_ns)
        shown = self._history.at(self._position_ns)
        if shown is None:
            shown = replace(
                self._look(True),
                stream_ns=self._position_ns,
                prediction=None,
                open_segment=None,
                closed_segments=(),
                finished=False,
            )
        return replace(shown, playback=self._state())

    def pause(self) -> None:
        """Stand still, or go on."""
        self._own_position()
        self._paused = not self._paused

    def seek(self, seconds: float) -> None:
        """Go back or on by so much stream time."""
        self.go_to(self._own_position() + round(seconds * NS_PER_S))

    def go_to(self, position_ns: int) -> None:
        """Go to this stream time; the beginning and the end of the clip are the furthest places."""
        self._own_position()
        duration_ns = self._duration_ns()
        position_ns = max(0, position_ns if duration_ns is None else min(position_ns, duration_ns))
        self._sought_ns = self._looks_after_ns = None
        self._position_ns = min(position_ns, self._history.computed_ns)
        if position_ns > self._history.computed_ns and not self._all_computed:
            self._sought_ns = position_ns
            self._hurry()

    def change_speed(self, factor: float) -> None:
        """Faster or slower, between SLOWEST and FASTEST."""
        self._own_position()
        self._speed = min(max(self._speed * factor, SLOWEST), FASTEST)
        if self._speed > 1.0:
            self._hurry()

    def next_disagreement(self, direction: int) -> None:
        """Stand still at the next (1) or the previous (-1) one; one that is not known yet is waited for."""
        position_ns = self._own_position()
        known = self._history.disagreements
        if direction < 0:
            before = [d for d in known if d.shown_ns < position_ns]
            self._stand_at(before[-1] if before else None)
            return
        after = [d for d in known if d.shown_ns > position_ns]
        self._stand_at(after[0] if after else None)
        if not after and not self._all_computed:
            self._looks_after_ns = position_ns
            self._hurry()

    @property
    def _all_computed(self) -> bool:
        return self._look(False).finished

    def _own_position(self) -> int:
        """From now on the view does not follow the pipeline."""
        self._steered = True
        if self._position_ns is None:
            self._position_ns = self._history.computed_ns
        return self._position_ns

    def _stand_at(self, disagreement: Disagreement | None) -> None:
        self._sought_ns = self._looks_after_ns = None
        if disagreement is not None:
            self._position_ns, self._paused = disagreement.shown_ns, True

    def _move(self, passed_ns: int) -> None:
        assert self._position_ns is not None
        computed_ns = self._history.computed_ns
        if self._looks_after_ns is not None:
            complete = self._all_computed  # asked before, so that nothing is found after the last look
            found = [d for d in self._history.disagreements if d.shown_ns > self._looks_after_ns]
            self._position_ns = computed_ns
            if found or complete:
                self._stand_at(found[0] if found else None)
        elif self._sought_ns is not None:
            self._position_ns = min(self._sought_ns, computed_ns)
            if computed_ns >= self._sought_ns or self._all_computed:
                self._sought_ns = None
        elif not self._paused:
            self._position_ns = min(self._position_ns + round(passed_ns * self._speed), computed_ns)

    def _state(self) -> Playback:
        assert self._position_ns is not None
        waiting = ""
        if self._looks_after_ns is not None:
            waiting = "looking for the next error"
        elif self._sought_ns is not None:
            waiting = "computing"
        return Playback(
            position_ns=self._position_ns,
            computed_ns=self._history.computed_ns,
            duration_ns=self._duration_ns(),
            speed=self._speed,
            paused=self._paused,
            waiting=waiting,
            disagreements=self._history.disagreements,
        )
