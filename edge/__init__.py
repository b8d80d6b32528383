"""The contract and the on-device runtime of egoact. Imports no other package of ours and never torch."""

import os
import sys

# `import openvino` reports to a web analytics service and writes into ~/intel unless this package, which it installs,
# is not there: then it falls back to a stub of its own. egoact opens no network that nobody asked for.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
# ONNX Runtime from 1.32 on makes a device id in ~/.cache/Microsoft when it is imported and reports to its maker,
# unless it finds this; `disable_telemetry_events()` comes too late.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# OpenVINO 2026.4 computes some grouped convolutions wrongly with AMX (12 channels a group and a kernel of 128: BEATs'
# positional one in the small model, in BF16 and INT8), and the features mean nothing. Without AMX they equal FP32's.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_FP16")
