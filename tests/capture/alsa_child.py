"""Both ends of ALSA's loopback card, each in a process of its own:

play SECONDS     clicks every half second into the playback device, until the time is over or the card is gone
listen SECONDS   what `Microphone` makes of the capture device, as one line of JSON

clicks_s   stream times of the clicks, of the first opening of the device
errors     kind and text of each
opens      how often it was opened
facts      of the last opening
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from edge.contract import AudioBlock, WindowSpec
from edge.errors import DeviceLostError, EgoactError
from edge.sources.microphone import Microphone
from edge.sources.portaudio import load_portaudio
from tests.capture.clicks import click_times_s
from tests.capture.emitter import click_wave

RATE_HZ = 48_000
CLICK_S = 0.5
PLAYED, RECORDED = "Loopback: PCM (hw:0,0)", "Loopback: PCM (hw:0,1)"


def play(seconds: float) -> None:
    portaudio = load_portaudio()
    second = np.zeros((RATE_HZ, 1), np.float32)
    click = click_wave(np.arange(round(0.001 * RATE_HZ)) / RATE_HZ).astype(np.float32)
    for start in (0, round(CLICK_S * RATE_HZ)):
        second[start : start + len(click)] = click[:, None]
    with portaudio.OutputStream(device=PLAYED, samplerate=RATE_HZ, channels=1, dtype="float32", latency=0.5) as stream:
        for _ in range(round(seconds)):
            stream.write(second)


def listen(seconds: float) -> None:
    microphone, spec = Microphone(RECORDED, WindowSpec()), WindowSpec()
    sound: list[AudioBlock] = []
    errors: list[tuple[str, str]] = []
    opens, is_open, facts = 0, False, None
    origin_ns, end_s = time.monotonic_ns(), time.monotonic() + seconds
    while time.monotonic() < end_s:
        try:
            if not is_open:
                microphone.open(origin_ns)
                opens, is_open = opens + 1, True
            blocks = microphone.read(0.2)
            sound += blocks if opens == 1 else ()
            facts = microphone.facts()
        except EgoactError as error:
            microphone.close()
            is_open = False
            errors.append((type(error).__name__, str(error)))
            if not isinstance(error, DeviceLostError):
                break
            time.sleep(0.5)
    microphone.close()
    report = {
        "clicks_s": click_times_s(sound).tolist() if sound else [],
        "errors": errors,
        "opens": opens,
        "facts": facts and facts._asdict(),
        "heard_s": sum(len(block.samples) for block in sound) / spec.audio_rate_hz,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    {"play": play, "listen": listen}[sys.argv[1]](float(sys.argv[2]))
