"""The watchdog's knowledge of one sensor: how it is, whether its process must be killed, when another may start."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Literal

from edge.contract import NS_PER_S, Modality
from edge.live.messages import SensorReport
from edge.sensor_status import SENSOR_NAMES, SensorState, SensorStatus
from edge.sources.sensor import SensorFacts

SILENCE_S = 0.8
"""A process that has not reported for this long hangs: nobody waits for its sensor any more ..."""
KILL_S = 1.6
"""... and after this long it is killed, ..."""
STARVED_KILL_S = 10.0
"""... unless it is ready to run and gets no processor: another process would get none either."""
OPENING_LIMIT_S = 20.0
"""What a process may take to start and to open its device."""
BACKOFF_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Waits before a process starts again, one after the other; the last one for good."""
STEADY_S = 10.0
"""A process that lived this long starts the waits anew."""
NEWS_A_MINUTE = 6

Verdict = Literal["fine", "stalled", "kill"]


class SensorWatch:
    """Takes reports, deaths and the time (monotonic ns); knows no process and no clock."""

    def __init__(self, modality: Modality, asked: str) -> None:
        self.status = SensorStatus(modality, asked, "starting")
        self.seen_running = False
        self._heard_ns = self._started_ns = 0
        self._opening = True
        self._deaths = 0
        self._may_start_ns = 0
        self._opens = self._opens_before = 0
        self._counted = _Counters()
        self._now = _Counters()
        self._news: list[str] = []
        self._news_ns: deque[int] = deque(maxlen=NEWS_A_MINUTE)
        self._hushed = False

    @property
    def name(self) -> str:
        return SENSOR_NAMES[self.status.modality]

    def may_start(self, now_ns: int) -> bool:
        return now_ns >= self._may_start_ns

    def started(self, now_ns: int) -> None:
        """A process was started."""
        self._started_ns = self._heard_ns = now_ns
        self._opening = True

    def heard(self, report: SensorReport, now_ns: int) -> None:
        """The process reported."""
        self._heard_ns, self._opening = now_ns, report.opening
        if report.opens != self._opens:
            self._counted, self._now, self._opens = self._counted.plus(self._now), _Counters(), report.opens
        facts = report.facts
        if facts is not None:
            self._now = _Counters(facts.delivered, facts.corrupt, facts.lost)
        self._count(facts, report)
        # A device that is being opened again is still lost.
        if report.state != "starting" or self.status.state == "starting":
            self._become(report.state, report.reason, now_ns)

    def verdict(self, now_ns: int, *, ready_to_run: bool) -> Verdict:
        """What is to be done about a process that is there; `ready_to_run` as the kernel says of it."""
        silent_s = (now_ns - self._heard_ns) / NS_PER_S
        if self._opening:
            return "kill" if silent_s > OPENING_LIMIT_S else "fine"
        if silent_s > (STARVED_KILL_S if ready_to_run else KILL_S):
            return "kill"
        if silent_s <= SILENCE_S:
            return "fine"
        self._become("stalled", "its process does not answer", now_ns)
        return "stalled"

    def died(self, why: str, now_ns: int) -> None:
        """The process is gone: killed by us, by somebody else, or by itself."""
        if now_ns - self._started_ns > STEADY_S * NS_PER_S:
            self._deaths = 0
        self._may_start_ns = now_ns + int(BACKOFF_S[min(self._deaths, len(BACKOFF_S) - 1)] * NS_PER_S)
        self._deaths += 1
        self._counted, self._now = self._counted.plus(self._now), _Counters()
        self._opens_before, self._opens = self._opens_before + self._opens, 0
        self._become("lost", why, now_ns)

    def off(self, reason: str, now_ns: int) -> None:
        """It will not be tried again."""
        self._become("off", reason, now_ns)

    def news(self) -> list[str]:
        """What a user should know since the last call, one line each."""
        news, self._news = self._news, []
        return news

    def _count(self, facts: SensorFacts | None, report: SensorReport) -> None:
        total = self._counted.plus(self._now)
        self.status = replace(
            self.status,
            delivered=total.delivered,
            corrupt=total.corrupt,
            lost=total.lost,
            restarts=max(0, self._opens_before + self._opens - 1),
            age_ms=report.age_ms or self.status.age_ms,
        )
        if facts is not None:
            self.status = replace(
                self.status,
                device=facts.device,
                format=facts.format,
                rate_hz=facts.rate_hz,
                drift_ppm=facts.drift_ppm,
            )

    def _become(self, state: SensorState, reason: str, now_ns: int) -> None:
        before, self.status = self.status.state, replace(self.status, state=state, reason=reason)
        if state == before:
            return
        if state == "running":
            again = " again" if self.seen_running else ""
            self.seen_running = True
            self._tell(f"{self.name} runs{again}: {self.status.device}, {self.status.format}", now_ns)
        else:
            self._tell(f"{self.name} {state}: {reason}", now_ns)

    def _tell(self, text: str, now_ns: int) -> None:
        """One line a change, but a sensor that comes and goes all the time must not fill the log."""
        full = len(self._news_ns) == NEWS_A_MINUTE and now_ns - self._news_ns[0] < 60 * NS_PER_S
        if not full:
            self._news.append(text)
            self._news_ns.append(now_ns)
        elif not self._hushed:
            self._news.append(f"{self.name} comes and goes: it is counted, and told again in a minute")
        self._hushed = full


class _Counters:
    """Frames or samples of one opening of the device, or of several."""

    def __init__(self, delivered: int = 0, corrupt: int = 0, lost: int = 0) -> None:
        self.delivered, self.corrupt, self.lost = delivered, corrupt, lost

    def plus(self, other: _Counters) -> _Counters:
        return _Counters(self.delivered + other.delivered, self.corrupt + other.corrupt, self.lost + other.lost)
