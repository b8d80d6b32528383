"""Our description of the kernel's structures against the kernel's own header."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

from edge.sources import v4l2_structs

STRUCTURES = {
    "v4l2_capability": (v4l2_structs.Capability, {"capabilities": "capabilities", "device_caps": "device_caps"}),
    "v4l2_fmtdesc": (v4l2_structs.FormatDescription, {"description": "description", "pixelformat": "pixelformat"}),
    "v4l2_frmsizeenum": (v4l2_structs.SizeEntry, {"type": "type", "size": "stepwise"}),
    "v4l2_frmivalenum": (v4l2_structs.IntervalEntry, {"width": "width", "interval": "discrete"}),
    "v4l2_pix_format": (v4l2_structs.PixelFormat, {"bytesperline": "bytesperline", "xfer_func": "xfer_func"}),
    "v4l2_format": (v4l2_structs.Format, {"fmt": "fmt"}),
    "v4l2_streamparm": (
        v4l2_structs.StreamParameters,
        {"capability": "parm.capture.capability", "numerator": "parm.capture.timeperframe.numerator"},
    ),
    "v4l2_requestbuffers": (v4l2_structs.RequestBuffers, {"memory": "memory", "flags": "flags"}),
    "v4l2_buffer": (
        v4l2_structs.Buffer,
        {
            "flags": "flags",
            "timestamp_s": "timestamp.tv_sec",
            "timestamp_us": "timestamp.tv_usec",
            "sequence": "sequence",
            "m": "m.offset",
            "length": "length",
        },
    ),
}
REQUESTS = (
    *("QUERYCAP", "ENUM_FMT", "S_FMT", "REQBUFS", "QUERYBUF", "QBUF", "DQBUF", "STREAMON", "STREAMOFF"),
    *("G_PARM", "S_PARM", "ENUM_FRAMESIZES", "ENUM_FRAMEINTERVALS"),
)


def test_structures_and_numbers_are_those_of_the_kernel(tmp_path: Path) -> None:
    values = {f"sizeof(struct {name})": ctypes.sizeof(ours) for name, (ours, _) in STRUCTURES.items()}
    values |= {
        f"offsetof(struct {name}, {theirs})": getattr(ours, field).offset
        for name, (ours, fields) in STRUCTURES.items()
        for field, theirs in fields.items()
    }
    values |= {f"VIDIOC_{name}": getattr(v4l2_structs, name) for name in REQUESTS}
    prints = "".join(f'printf("%zu\\n", (size_t)(unsigned int)({expression}));\n' for expression in values)
    source = tmp_path / "layout.c"
    source.write_text(
        "#include <stddef.h>\n#include <stdio.h>\n#include <linux/videodev2.h>\nint main(void) {\n" + prints + "}\n"
    )
    subprocess.run(["gcc", "-o", str(tmp_path / "layout"), str(source)], check=True)
    lines = subprocess.run([str(tmp_path / "layout")], check=True, capture_output=True, text=True).stdout.split()
    assert dict(zip(values, map(int, lines), strict=True)) == values
