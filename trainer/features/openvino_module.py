"""PyTorch modules on OpenVINO: the same float32 results about twice as fast on a processor."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edge.errors import EngineError
from trainer.features.backbones import Compile


def on_openvino(threads: int | None = None) -> Compile:
    """Run modules with OpenVINO on `threads` processor threads (None: on all)."""
    return lambda module: OpenVinoModule(module, threads)


class OpenVinoModule:
    """A module of one input; traced and compiled for every new shape of it, when that comes.

    A batch goes through one by one, which is as fast on a processor, and independent of how rows were batched.
    """

    def __init__(self, module: nn.Module, threads: int | None) -> None:
        self._module = module
        self._threads = threads or (os.cpu_count() or 1)
        self._requests: dict[tuple[np.dtype, tuple[int, ...]], Any] = {}

    def __call__(self, values: NDArray[Any]) -> list[NDArray[np.float32]]:
        """values: [N, ...]. Returns the outputs, float32 [N, ...] each.

        Raises:
            EngineError: OpenVINO refuses the module.
        """
        key = (values.dtype, values.shape[1:])
        if key not in self._requests:
            self._requests[key] = self._compiled(values[:1])
        request = self._requests[key]
        rows = []
        for value in values:
            results = request.infer({0: np.ascontiguousarray(value[None])})
            rows.append([np.array(results[index], np.float32) for index in range(len(results))])
        return [np.concatenate(outputs) for outputs in zip(*rows, strict=True)]

    def _compiled(self, example: NDArray[Any]) -> Any:
        import openvino

        config = {
            "INFERENCE_PRECISION_HINT": "f32",  # else OpenVINO picks bfloat16 where the processor has it
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": self._threads,
        }
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch.export warns of its own insides
                exported = torch.export.export(self._module, (torch.from_numpy(example),))
                model = openvino.convert_model(exported, input=list(example.shape))
            return openvino.Core().compile_model(model, "CPU", config).create_infer_request()
        except Exception as error:
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
            raise EngineError(f"OpenVINO cannot run the network ({reason}); use --engine torch") from error
