from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.contract import NS_PER_S, WindowSpec
from edge.preprocess import resize_crop
from edge.sources.frame_decoder import RAW_LAYOUTS, CodecDecoder, DamagedFrameError, Picture, RawDecoder
from edge.sources.grid_frames import GridFrames
from tests.capture.shim import h264_frames, jpeg_frames
from tests.media import numbered_picture, read_number

SPEC = WindowSpec(frame_size_px=32)
PICTURE = numbered_picture(5, (64, 48))


class CountingDecoder:
    """Knows how often it decoded and converted."""

    def __init__(self, skippable: bool) -> None:
        self.skippable = skippable
        self.decoded = self.converted = 0

    def decode(self, data: bytes, t_ns: int) -> list[Picture]:
        self.decoded += 1
        if data == b"damaged":
            raise DamagedFrameError

        def rgb() -> np.ndarray:
            self.converted += 1
            return PICTURE

        return [Picture(t_ns, rgb)]


@pytest.mark.parametrize(("skippable", "decoded"), [(True, 60), (False, 120)])
def test_of_a_60_hz_camera_only_needed_frames_are_decoded_or_at_least_only_they_converted(
    skippable: bool, decoded: int
) -> None:
    decoder = CountingDecoder(skippable)
    frames = GridFrames(SPEC, decoder)
    made = [frame for n in range(120) for frame in frames.push(b"", n * NS_PER_S // 60)]
    assert [frame.tick for frame in made] == list(range(60))
    assert (decoder.decoded, decoder.converted) == (decoded, 60)
    assert frames.needs(0) != skippable


def test_a_damaged_frame_is_counted_and_the_next_one_takes_its_tick() -> None:
    frames = GridFrames(SPEC, CountingDecoder(skippable=True))
    assert frames.push(b"damaged", 0) == []
    (made,) = frames.push(b"", NS_PER_S // 120)
    assert (made.tick, made.t_ns, frames.corrupt) == (0, NS_PER_S // 120, 1)
    assert np.array_equal(made.image, resize_crop(PICTURE, 32))


@pytest.mark.parametrize(("skippable", "decoded"), [(True, 0), (False, 1)])
def test_an_unwanted_frame_keeps_the_decoders_state_and_costs_no_more(skippable: bool, decoded: int) -> None:
    decoder = CountingDecoder(skippable)
    assert GridFrames(SPEC, decoder).push(b"", 0, wanted=False) == []
    assert (decoder.decoded, decoder.converted) == (decoded, 0)


def packed(fourcc: str) -> np.ndarray:
    """PICTURE in a raw format: uint8 [rows, bytes]."""
    if fourcc == "RGB3":
        return PICTURE.reshape(48, -1)
    codes = {"BGR3": cv2.COLOR_RGB2BGR, "GREY": cv2.COLOR_RGB2GRAY, "YUYV": cv2.COLOR_RGB2YUV_YUY2}
    if fourcc in codes:
        return cv2.cvtColor(PICTURE, codes[fourcc]).reshape(48, -1)
    if fourcc == "UYVY":
        return cv2.cvtColor(PICTURE, cv2.COLOR_RGB2YUV_UYVY).reshape(48, -1)
    planar = cv2.cvtColor(PICTURE, cv2.COLOR_RGB2YUV_I420)  # NV12 has the same planes, the two of chroma interleaved
    chroma = planar[48:].reshape(2, -1).T.reshape(24, 64)
    return np.vstack([planar[:48], chroma])


@pytest.mark.parametrize("fourcc", list(RAW_LAYOUTS))
@pytest.mark.parametrize("padding", [0, 16])
def test_raw_formats_with_and_without_padded_rows(fourcc: str, padding: int) -> None:
    rows = np.pad(packed(fourcc), ((0, 0), (0, padding)))
    decoder = RawDecoder(fourcc, 64, 48, rows.shape[1] if padding else 0)
    (picture,) = decoder.decode(rows.tobytes(), 7)
    seen = picture.rgb()
    assert (picture.t_ns, seen.shape, seen.dtype) == (7, (48, 64, 3), np.uint8)
    if fourcc == "GREY":
        assert np.array_equal(seen[..., 0], cv2.cvtColor(PICTURE, cv2.COLOR_RGB2GRAY))
    else:
        assert read_number(seen[:, 8:56]) == 5
    with pytest.raises(DamagedFrameError):
        decoder.decode(rows.tobytes()[:-1], 7)


def test_compressed_formats_keep_the_time_of_every_frame() -> None:
    pictures = [numbered_picture(n, (320, 180)) for n in range(12)]
    for name, packets in (("mjpeg", jpeg_frames(pictures)), ("h264", h264_frames(pictures))):
        decoder = CodecDecoder(name)
        made = [picture for n, data in enumerate(packets) for picture in decoder.decode(data, 1000 + n)]
        assert [picture.t_ns for picture in made] == [1000 + n for n in range(12)], name
        assert [read_number(resize_crop(picture.rgb(), 128)) for picture in made] == list(range(12)), name


def test_h264_that_begins_between_two_key_frames_waits_for_the_next_without_complaint() -> None:
    packets = h264_frames([numbered_picture(n, (320, 180)) for n in range(25)], key_interval=10)
    decoder = CodecDecoder("h264")
    made = [picture for n, data in enumerate(packets[3:], 3) for picture in decoder.decode(data, n)]
    assert [picture.t_ns for picture in made] == list(range(10, 25))


def test_a_cut_off_jpeg_is_damaged() -> None:
    (data,) = jpeg_frames([numbered_picture(1, (320, 180))])
    with pytest.raises(DamagedFrameError):
        CodecDecoder("mjpeg").decode(data[: len(data) // 2], 0)
