"""What turns sentences into vectors: hashed words (no weights) and CLIP's text tower look the same from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class SentenceEncoder(Protocol):
    """A frozen text encoder."""

    @property
    def name(self) -> str:
        """Two encoders of one name give the same vectors: it holds a checksum of the weights, if there are any."""
        ...

    @property
    def dim(self) -> int:
        """Width of a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector a text, in their order: float32 [len(texts), dim]."""
        ...
