"""Stand-ins for Pengi's checkout and the package msclap: the same calls, and a caption that tells the pitch heard."""

from __future__ import annotations

from pathlib import Path

PITCH = """
import json, os, time, wave
import numpy as np

def pitch(path, duration_s):
    with wave.open(path) as file:
        rate, count = file.getframerate(), file.getnframes()
        samples = np.frombuffer(file.readframes(count), "<i2").astype(float)
    assert file.getnchannels() == 1
    assert rate == 44100
    assert count <= duration_s * rate, "longer sounds are cut at random by the real one"
    with open(os.environ["CAPTIONED"], "a") as log:
        log.write(json.dumps(round(count / rate, 3)) + "\\n")
    time.sleep(float(os.environ.get("CAPTION_S", 0)))
    return round(np.abs(np.fft.rfft(samples)).argmax() * rate / count, -1)
"""

PENGI = (
    PITCH
    + """
import argparse

class PengiWrapper:
    def __init__(self, config, use_cuda=False):
        assert not use_cuda
        self.config = config
        self.args = argparse.Namespace(duration=7, sampling_rate=44100)

    def generate(self, audio_paths, text_prompts, add_texts, max_len, beam_size, temperature, stop_token,
                 audio_resample=True):
        assert len(audio_paths) == len(text_prompts) == len(add_texts)
        assert add_texts == [""] * len(audio_paths)
        assert stop_token == " <|endoftext|>"
        return [
            ([f"{prompt}: a tone of {pitch(path, 7):.0f} hertz <|endoftext|>", "worse"], [0.0, -1.0])
            for path, prompt in zip(audio_paths, text_prompts)
        ]
"""
)

MSCLAP = (
    PITCH
    + """
import argparse

__version__ = "1.3.4"

class CLAP:
    def __init__(self, model_fp=None, version="2023", use_cuda=False):
        assert version == "clapcap"
        self.model_fp = model_fp
        self.args = argparse.Namespace(duration=7, sampling_rate=44100)

    def generate_caption(self, audio_files, resample=True, beam_size=5, entry_length=67, temperature=1.0):
        assert resample
        return [f"A tone of {pitch(path, 7):.0f} hertz <|endoftext|>" for path in audio_files]
"""
)


def write_pengi(folder: Path) -> Path:
    """A checkout with a checkpoint."""
    (folder / "configs").mkdir(parents=True)
    (folder / "configs" / "base.pth").write_bytes(b"weights")
    (folder / "wrapper.py").write_text(PENGI)
    return folder


def write_msclap(folder: Path) -> Path:
    """A folder to import msclap from; gives the checkpoint."""
    folder.mkdir(parents=True)
    (folder / "msclap.py").write_text(MSCLAP)
    (folder / "clapcap.pth").write_bytes(b"weights")
    return folder / "clapcap.pth"
