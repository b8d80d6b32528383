"""The contract and the on-device runtime of egoact. Imports no other package of ours and never torch."""

import os
import sys

# `import openvino` reports to a web analytics service and writes into ~/intel unless this package, which it installs,
# is not there: then it falls back to a stub of its own. egoact opens no network that nobody asked for.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
# ONNX Runtime from 1.32 on makes a device id in ~/.cache/Microsoft when it is imported and reports to its maker,
# unless it finds this; `disable_telemetry_events()` comes too late.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
