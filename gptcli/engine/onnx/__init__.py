"""The CPU backend: hand-built graphs on ONNX Runtime."""
