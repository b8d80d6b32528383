"""NumPy's .npy files of others, as memory maps: a header that promises more than the file holds costs no memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def map_npy(path: Path) -> NDArray[Any]:
    """The array, read-only. Pickles are refused.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no .npy file, or is cut short; the text is one line.
    """
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # NumPy parses the header as Python: tokenize, ast and memory have errors of their own
        reason = next(iter(str(error).splitlines()), type(error).__name__)[:160]
        raise ValueError(f"{path.name}: {reason}") from error
    if not isinstance(values, np.ndarray):
        values.close()
        raise ValueError(f"{path.name}: an archive of arrays where one array is expected")
    return values
