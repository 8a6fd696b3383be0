"""What is measured on a machine with a GPU: parity and latency of the networks with TensorRT and onnxruntime CUDA."""
