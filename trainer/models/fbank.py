"""Kaldi log-mel filter bank as a small graph of exportable operations.

Everything before the squared magnitude (removal of the frame's mean, pre-emphasis, window, Fourier transform) is linear
in the samples, so it is one matrix, applied to every frame by one strided convolution.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SAMPLE_RATE_HZ = 16_000
FRAME_SAMPLES = 400  # 25 ms
HOP_SAMPLES = 160  # 10 ms
FFT_SAMPLES = 512
FFT_BINS = FFT_SAMPLES // 2  # Kaldi's mel filters give the Nyquist bin no weight, so it is left out
MEL_BINS = 128
LOWEST_HZ = 20.0
PREEMPHASIS = 0.97
POVEY_EXPONENT = 0.85
INT16_SCALE = 2.0**15  # Kaldi (and BEATs) count samples in int16 units
FBANK_MEAN = 15.41663  # BEATs' constants over AudioSet (microsoft/unilm, beats/BEATs.py)
FBANK_STD = 6.55582


def fbank_frames(samples: int) -> int:
    """Frames of a waveform of `samples` samples: only whole frames count (Kaldi's snip_edges)."""
    return 1 + (samples - FRAME_SAMPLES) // HOP_SAMPLES


class Fbank(nn.Module):
    """Normalised log-mel features: 25 ms frames every 10 ms, povey window, 128 mel bins, no dither.

    Always run it in float32: in bfloat16 the power spectrum of a tone over quiet noise is wrong by several log units.
    """

    spectrum: Tensor
    mel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("spectrum", _spectrum_matrix().float()[:, None, :], persistent=False)
        mel = _mel_matrix()
        self.register_buffer("mel", torch.cat([mel, mel]).float(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """waveform [N, samples] float32 in [-1, 1] at 16 kHz -> [N, frames, 128] float32."""
        # The frame's own mean is removed below, so a constant may go first: it spares float32 a large cancellation.
        centred = waveform - waveform.mean(dim=1, keepdim=True)
        spectrum = F.conv1d(centred[:, None, :], self.spectrum, stride=HOP_SAMPLES).transpose(1, 2)
        power = torch.matmul(spectrum * spectrum, self.mel)  # |re|^2 + |im|^2, summed by the stacked mel matrix
        log_mel = torch.log(power.clamp(min=torch.finfo(torch.float32).eps))
        return (log_mel - FBANK_MEAN) / (2 * FBANK_STD)


def _spectrum_matrix() -> Tensor:
    """[512, 400] float64: real rows, then imaginary rows, of the spectrum of one raw frame."""
    identity = torch.eye(FRAME_SAMPLES, dtype=torch.float64)
    remove_mean = identity - 1.0 / FRAME_SAMPLES
    preemphasis = identity - PREEMPHASIS * torch.diag(identity.new_ones(FRAME_SAMPLES - 1), -1)
    preemphasis[0, 0] = 1.0 - PREEMPHASIS  # Kaldi repeats the first sample before it
    hann = torch.hann_window(FRAME_SAMPLES, periodic=False, dtype=torch.float64)
    window = torch.diag(hann.pow(POVEY_EXPONENT))
    angle = 2 * math.pi / FFT_SAMPLES * torch.outer(torch.arange(FFT_BINS), torch.arange(FRAME_SAMPLES)).double()
    fourier = torch.cat([torch.cos(angle), -torch.sin(angle)])
    return INT16_SCALE * fourier @ window @ preemphasis @ remove_mean


def _mel_matrix() -> Tensor:
    """[256, 128] float64: triangular filters, equally wide in mel, from 20 Hz to 8 kHz."""

    def mel(hz: Tensor) -> Tensor:
        return 1127.0 * torch.log1p(hz / 700.0)

    lowest, highest = mel(torch.tensor([LOWEST_HZ, SAMPLE_RATE_HZ / 2], dtype=torch.float64))
    edges = lowest + (highest - lowest) / (MEL_BINS + 1) * torch.arange(MEL_BINS + 2, dtype=torch.float64)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    bins = mel(torch.arange(FFT_BINS, dtype=torch.float64) * SAMPLE_RATE_HZ / FFT_SAMPLES)[:, None]
    return torch.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)).clamp(min=0)
