from __future__ import annotations

from dataclasses import replace

import pytest

from edge.contract import Recording, Snapshot, Telemetry
from edge.tui.header import header_lines
from edge.tui.health import heat_colour, too_hot
from edge.tui.lines import text_of
from edge.tui.link_pace import LinkPace
from edge.tui.machine import machine_line
from edge.tui.sound import sound_lines, spectrum_text
from edge.tui.style import BAD, FAIR, GOOD
from tests.edge.snapshots import snapshot

LIVE = snapshot(24.0)


def header(shown: Snapshot, width: int = 100) -> str:
    return text_of(header_lines(shown, width, paused=False))


@pytest.mark.parametrize(("celsius", "colour"), [(79.0, GOOD), (80.0, FAIR), (89.0, FAIR), (90.0, BAD), (99.0, BAD)])
def test_heat_is_judged_by_its_distance_to_the_trip_point(celsius: float, colour: str) -> None:
    assert heat_colour(Telemetry(heat=("cpu", celsius, 95.0))) == colour
    assert heat_colour(Telemetry(heat=("cpu", celsius, None))) == ""


def test_a_stretched_hop_is_too_hot_or_too_slow() -> None:
    hot = replace(LIVE, telemetry=replace(LIVE.telemetry, hop_factor=4, heat=("cpu", 94.0, 95.0)))
    slow = replace(LIVE, telemetry=replace(LIVE.telemetry, hop_factor=2, heat=("cpu", 50.0, 95.0)))
    assert "too hot: hop x4" in header(hot)
    assert "too slow: hop x2" in header(slow)
    assert not too_hot(replace(hot.telemetry, hop_factor=1))


@pytest.mark.parametrize(
    ("recording", "badge"),
    [
        (None, "REC off"),
        (Recording(writing=True, dropped=0), "REC"),
        (Recording(writing=True, dropped=7), "REC, 7 lost"),
        (Recording(writing=False, dropped=7), "REC paused"),
    ],
)
def test_the_badge_of_the_recording(recording: Recording | None, badge: str) -> None:
    assert header(replace(LIVE, recording=recording)).endswith(f"  {badge}")


@pytest.mark.parametrize("width", [48, 60, 100, 200])
def test_the_header_has_exactly_its_width_whatever_it_says(width: int) -> None:
    much = replace(
        LIVE,
        masked=frozenset({"video", "audio"}),
        recording=Recording(writing=True, dropped=10**9),
        telemetry=replace(LIVE.telemetry, hop_factor=4),
        title="x" * 300,
    )
    assert len(header(much, width)) == width
    assert len(header(LIVE, width)) == width


def test_the_machine_says_what_it_knows() -> None:
    assert text_of([machine_line(Telemetry(memory_mb=214.0))]) == "214 MB"
    known = Telemetry(heat=("cpu", 61.4, None), power_w=7.25, memory_mb=214.0)
    assert text_of([machine_line(known)]) == "61 °C  7.2 W  214 MB"


def test_a_spectrum_is_drawn_from_low_to_high() -> None:
    bands = (-90.0, -55.0, -20.0, 5.0)
    assert spectrum_text(bands, 4) == " ▄██"
    assert spectrum_text(bands, 11) == "  ▄▄████"
    assert spectrum_text(bands, 2) == "▄█", "the louder of two neighbours"
    assert spectrum_text((), 9) == spectrum_text(bands, 0) == ""


def test_sound_is_a_level_or_a_reason() -> None:
    loud = replace(LIVE, sound_level_db=-1.0)
    assert text_of(sound_lines(loud, 60, 1)).startswith("sound  ███████████████▊  -1 dB")
    assert BAD in sound_lines(loud, 60, 1)[0][1][1]
    assert text_of(sound_lines(replace(LIVE, sound_level_db=None), 60, 1)) == "sound  no sound"


def test_a_link_is_slow_when_it_was_busy_at_most_ticks() -> None:
    pace = LinkPace(ticks=10, most_busy=5)
    assert [pace.tick(True) for _ in range(6)] == [False] * 5 + [True]
    assert not any(pace.tick(busy) for busy in [True, False] * 20)
