#!/bin/sh
# Measures the packed networks on this machine's GPU. TRT_PYTHON: the interpreter with TensorRT and pycuda; ORT_PYTHON:
# the one with onnxruntime-gpu ("" leaves it out); TRT_TACTICS: tactic sources, as CUBLAS_LT where there is no cuDNN.
set -u
here=$(cd "$(dirname "$0")" && pwd)
trt_python=${TRT_PYTHON:-python3}
ort_python=${ORT_PYTHON-python3}
if ! command -v nvidia-smi >/dev/null && [ ! -e /dev/nvidia0 ] && [ ! -e /dev/nvgpu ] && [ ! -e /dev/nvhost-gpu ]; then
  echo "gpu-test: no NVIDIA GPU here; bring $here to a machine that has one and run sh run.sh there" >&2
  exit 1
fi
rm -f "$here/tensorrt.json" "$here/onnxruntime.json"
# shellcheck disable=SC2086  # names of tactic sources, one word each
"$trt_python" "$here/check.py" tensorrt ${TRT_TACTICS:+--tactic-sources $TRT_TACTICS} || exit 1
if [ -n "$ort_python" ]; then
  # without what the other interpreter needs
  env -u PYTHONHOME -u PYTHONPATH "$ort_python" "$here/check.py" onnxruntime || echo "gpu-test: no figures of onnxruntime" >&2
fi
exec "$trt_python" "$here/check.py" table "$@"
