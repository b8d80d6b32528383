"""Records a camera and a microphone in a process of its own, which the shim's environment needs, and prints as JSON

flashes_s   stream times of the first bright frame of every flash
clicks_s    stream times of the clicks
opened_s    stream times just before and just after the camera was opened: it began to stream in between
offset      what `egoact calibrate-av` would make of it
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from edge.av_recording import SPEC, AvRecording
from edge.contract import NS_PER_S, AudioBlock, Frame
from edge.sources.camera import open_camera
from edge.sources.microphone import Microphone
from tests.capture.clicks import click_times_s


def main(address: str, device: str, seconds: float) -> None:
    camera, microphone, recording = open_camera(address, SPEC), Microphone(device, SPEC), AvRecording()
    frames: list[tuple[int, float]] = []
    sound: list[AudioBlock] = []
    origin_ns = time.monotonic_ns()
    microphone.open(origin_ns)
    # The shim's first frame is due 1/30 s after it began to stream; so flashes and clicks nearly coincide.
    time.sleep(-time.monotonic() % 1.0)
    opened_s = [(time.monotonic_ns() - origin_ns) / NS_PER_S]
    camera.open(origin_ns)
    opened_s.append((time.monotonic_ns() - origin_ns) / NS_PER_S)
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        for event in (*camera.read(0.05), *microphone.read(0.0)):
            recording.add(event)
            if isinstance(event, Frame):
                frames.append((event.t_ns, float(event.image.mean())))
            else:
                sound.append(event)
    facts = [sensor.facts()._asdict() for sensor in (camera, microphone)]
    camera.close()
    microphone.close()
    times_s, brightness = np.array(frames).T
    flashes_s = times_s[1:][np.diff(brightness) > 50] / NS_PER_S
    offset = recording.offset("flash", 4)._asdict()
    print(
        json.dumps(
            {
                "origin_s": origin_ns / NS_PER_S,
                "flashes_s": flashes_s.tolist(),
                "clicks_s": click_times_s(sound).tolist(),
                "opened_s": opened_s,
                "offset": offset,
                "facts": facts,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
