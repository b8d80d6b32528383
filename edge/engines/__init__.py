"""Engines: named tensors in, named tensors out. OpenVINO on the CPU is the embedded default."""
