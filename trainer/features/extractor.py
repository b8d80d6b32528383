"""Extraction in one process: the networks of a recipe, loaded once, and video after video through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
import torch

from edge.clip_windows import replay_events
from edge.errors import EgoactError
from edge.preprocess import resize_crop
from trainer.features.extract import extract_rows
from trainer.features.float_rows import float_pixels, float_row_inputs
from trainer.features.recipe import Recipe, load_backbones
from trainer.features.stereo import left_float_pixels, left_resize_crop
from trainer.features.tasks import Description, Outcome, Task
from trainer.features.windows import row_inputs


class Extractor:
    """A pool of one: this process."""

    def __init__(
        self,
        recipe: Recipe,
        device: str = "auto",
        threads: int | None = None,
        on_rows: Callable[[int], None] = lambda count: None,
    ) -> None:
        """Load the networks.

        Args:
            device: 'cpu', 'cuda', or 'auto' for a GPU where there is one.
            threads: processor threads; None leaves them to the libraries.
            on_rows: called with the number of rows of every finished batch.

        Raises:
            EgoactError: whatever `load_backbones` refuses.
        """
        if threads is not None:
            torch.set_num_threads(threads)
            cv2.setNumThreads(threads)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self._recipe = recipe
        self._on_rows = on_rows
        self._backbones = load_backbones(recipe, device, threads)

    def describe(self) -> Description:
        return Description(self._backbones.widths, self._backbones.made_with)

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        return map(self.extract, tasks)

    def extract(self, task: Task) -> Outcome:
        """The features of one video; a video that cannot be read is an outcome too, not an error."""
        backbones, recipe = self._backbones, self._recipe
        window, stereo = backbones.window, recipe.is_stereo(task.path)
        try:
            if recipe.pixels == "float":
                rows = float_row_inputs(task.path, window, left_float_pixels if stereo else float_pixels)
            else:
                events = replay_events(task.path, window, left_resize_crop if stereo else resize_crop)
                rows = row_inputs(events, window)
            features = extract_rows(
                task.path,
                rows,
                window,
                backbones.video,
                backbones.audio,
                recipe.batch_rows,
                recipe.scores,
                self._on_rows,
            )
        except EgoactError as error:
            return Outcome(task, None, str(error))
        except Exception as error:  # one video that trips a library must not stop thousands
            return Outcome(task, None, f"{task.path}: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
        if not all(np.isfinite(values).all() for values in (features.appearance, features.motion, features.audio)):
            return Outcome(task, None, f"{task.path}: its features hold NaN or infinity")
        return Outcome(task, features)
