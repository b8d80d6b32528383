"""From a camera's packets to grid frames: decode what must be, convert what the grid needs."""

from __future__ import annotations

from edge.contract import Frame, WindowSpec
from edge.preprocess import resize_crop
from edge.sources.frame_decoder import DamagedFrameError, FrameDecoder
from edge.sources.live_grid import LiveGrid


class GridFrames:
    """Grid frames of one camera, through the same pixels as `egoact replay`."""

    def __init__(self, spec: WindowSpec, decoder: FrameDecoder) -> None:
        self._spec = spec
        self._decoder = decoder
        self._grid = LiveGrid(spec)
        self.corrupt = 0
        """Frames that could not be decoded."""

    def needs(self, t_ns: int) -> bool:
        """Whether the bytes of a frame of stream time `t_ns` must be given to `push`."""
        return not self._decoder.skippable or self._grid.needs(t_ns)

    def push(self, data: bytes, t_ns: int, wanted: bool = True) -> list[Frame]:
        """The grid frames that this packet settles; `wanted` False keeps the decoder's state and converts nothing."""
        if not self.needs(t_ns) or (self._decoder.skippable and not wanted):
            return []
        try:
            pictures = self._decoder.decode(data, t_ns)
        except DamagedFrameError:
            self.corrupt += 1
            return []
        frames: list[Frame] = []
        for picture in pictures:
            if wanted and self._grid.needs(picture.t_ns):
                frames += self._grid.fill(picture.t_ns, resize_crop(picture.rgb(), self._spec.frame_size_px))
        return frames
