"""From PyTorch modules to ONNX graphs, and the proof that both compute the same."""
