"""The microphone on the kernel's own sound driver and its loopback card, with no sound server, in a virtual machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.capture.alsa_child import CLICK_S
from tests.capture.guest import missing_programs, run_in_guest

ROOT = Path(__file__).parents[2]
CHILD = f"{sys.executable} -m tests.capture.alsa_child"


@pytest.mark.slow
@pytest.mark.skipif(bool(missing_programs()), reason=f"needs {', '.join(missing_programs())}")
def test_a_sound_card_without_a_server(tmp_path: Path) -> None:
    task = f"""
export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
cd {ROOT}
{CHILD} play 40 & PLAYER=$!
sleep 8
echo whole "$({CHILD} listen 12)"
{CHILD} listen 45 > /tmp/first &
until grep -q RUNNING /proc/asound/card0/pcm1c/sub0/status; do sleep 0.3; done
sleep 3
echo busy "$({CHILD} listen 1)"
kill $PLAYER
sleep 1
echo snd_aloop.0 > /sys/bus/platform/drivers/snd_aloop/unbind
sleep 3
echo snd_aloop.0 > /sys/bus/platform/drivers/snd_aloop/bind
sleep 1
{CHILD} play 20 &
wait %2
echo unplugged "$(cat /tmp/first)"
kill %3
"""
    said = run_in_guest(task, {"snd-aloop": "index=0 pcm_substreams=1"}, tmp_path, timeout_s=400)
    print(said)
    reports = dict(line.split(" ", 1) for line in said.splitlines() if line.startswith(("whole", "unplugged", "busy")))
    whole, unplugged, busy = (json.loads(reports[name]) for name in ("whole", "unplugged", "busy"))

    assert not whole["errors"]
    assert whole["facts"]["format"] == "48000 Hz, 1 channel"
    assert whole["facts"]["lost"] == 0
    gaps_ms = np.diff(whole["clicks_s"]) * 1e3
    assert len(gaps_ms) >= 10
    # One callback's block: emulated, the driver is late by as much until the clock has seen a block that is not.
    assert np.abs(gaps_ms - 1e3 * CLICK_S).max() < 10

    ((kind, message),) = {tuple(error) for error in busy["errors"]}
    assert kind == "DeviceLostError"
    assert "used by another program" in message

    assert unplugged["opens"] == 2
    assert {kind for kind, _ in unplugged["errors"]} == {"DeviceLostError"}
    assert unplugged["facts"]["delivered"] > 0
