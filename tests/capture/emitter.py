"""The hardware of the virtual microphone: 16-bit samples into a pipe in real time, from an ADC whose clock may drift.

Sound is a function of the monotonic time at which each sample is taken: a quiet tone, and a click (1 ms at 2 kHz) that
starts at every multiple of --click-every-s of CLOCK_MONOTONIC. Faults are given in seconds after the start.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
import time
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

BLOCK_S = 0.01
CLICK_HZ = 2000.0
PIPE_BYTES = 131_072
"""Room of the pipe (1.4 s): a sound server on a busy machine may read this late before sound is lost. A reader finds it
full of old sound when it begins."""


def click_wave(t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The click as a function of the time since it began."""
    return np.where((t_s >= 0) & (t_s < 0.001), 0.5 * np.sin(2 * np.pi * CLICK_HZ * t_s), 0.0)


def sound(t_s: NDArray[np.float64], click_every_s: float, tone_hz: float) -> NDArray[np.float64]:
    """What the air does at monotonic times `t_s`."""
    tone = 0.05 * np.sin(2 * np.pi * tone_hz * (t_s % 1000))
    return tone + (click_wave(t_s % click_every_s) if click_every_s else 0.0)


class Pipe:
    """The writing end; a sound server that starts anew makes a new pipe, and the hardware goes on in that one."""

    def __init__(self, path: str, room_bytes: int) -> None:
        self._path = path
        self._room_bytes = room_bytes
        self._fd = -1
        self._inode = -1

    def write(self, samples: bytes) -> None:
        with suppress(FileNotFoundError, BlockingIOError):  # no server, or full: nobody records
            if os.stat(self._path).st_ino != self._inode:
                self._open()
            os.write(self._fd, samples)

    def _open(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = os.open(self._path, os.O_RDWR | os.O_NONBLOCK)
        fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, self._room_bytes)
        self._inode = os.fstat(self._fd).st_ino


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fifo")
    parser.add_argument("--rate-hz", type=float, default=48_000)
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--drift-ppm", type=float, default=0.0, help="the ADC runs this much fast")
    parser.add_argument("--click-every-s", type=float, default=0.5)
    parser.add_argument("--tone-hz", type=float, default=440.0)
    parser.add_argument("--silent", type=float, default=0.0, help="1: zeros only, as a muted microphone")
    parser.add_argument("--lose-at-s", type=float, default=-1.0, help="here the ADC loses sound ...")
    parser.add_argument("--lose-s", type=float, default=0.0, help="... of this length")
    parser.add_argument("--late-at-s", type=float, default=-1.0, help="here sound is held back ...")
    parser.add_argument("--late-s", type=float, default=0.0, help="... and comes in a burst after this long")
    args = parser.parse_args()

    pipe = Pipe(args.fifo, PIPE_BYTES + int(args.late_s * args.rate_hz * args.channels * 2))
    real_rate_hz = args.rate_hz * (1 + args.drift_ppm * 1e-6)
    block = round(BLOCK_S * args.rate_hz)
    start_s = time.monotonic() + 0.05
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    number = 0
    while True:
        t_s = start_s + (number * block + np.arange(block)) / real_rate_hz
        done_s = t_s[0] + block / real_rate_hz
        since_s = done_s - start_s
        late = args.late_at_s >= 0 and args.late_at_s <= since_s < args.late_at_s + args.late_s
        due_s = start_s + args.late_at_s + args.late_s if late else done_s
        time.sleep(max(0.0, due_s - time.monotonic()))
        lost = args.lose_at_s >= 0 and args.lose_at_s <= since_s < args.lose_at_s + args.lose_s
        if not lost:
            mono = np.zeros(block) if args.silent else sound(t_s, args.click_every_s, args.tone_hz)
            samples = np.repeat((mono * 32767).astype("<i2")[:, None], args.channels, axis=1)
            pipe.write(samples.tobytes())
        number += 1


if __name__ == "__main__":
    main()
