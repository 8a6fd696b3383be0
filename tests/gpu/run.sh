#!/bin/sh
# Measures the packed networks on this machine's GPU. TRT_PYTHON: the interpreter with TensorRT and pycuda; TRT_ENV: a
# file of variables that it needs, may set TRT_PYTHON too; ORT_PYTHON: the one with onnxruntime-gpu ("" leaves it out);
# TRT_TACTICS: tactic sources, as CUBLAS_LT where there is no cuDNN.
set -u
here=$(cd "$(dirname "$0")" && pwd)
ort_python=${ORT_PYTHON-python3}
if ! command -v nvidia-smi >/dev/null && [ ! -e /dev/nvidia0 ] && [ ! -e /dev/nvgpu ] && [ ! -e /dev/nvhost-gpu ]; then
  echo "gpu-test: no NVIDIA GPU here; bring $here to a machine that has one and run sh run.sh there" >&2
  exit 1
fi
rm -f "$here/tensorrt.json" "$here/onnxruntime.json"
if [ -n "$ort_python" ]; then
  "$ort_python" "$here/check.py" onnxruntime || echo "gpu-test: no figures of onnxruntime" >&2
fi
# from here on with TensorRT's variables, which would keep another interpreter from starting
if [ -n "${TRT_ENV:-}" ]; then
  # shellcheck disable=SC1090
  . "$TRT_ENV" || exit 1
fi
trt_python=${TRT_PYTHON:-python3}
# shellcheck disable=SC2086  # names of tactic sources, one word each
"$trt_python" "$here/check.py" tensorrt ${TRT_TACTICS:+--tactic-sources $TRT_TACTICS} || exit 1
exec "$trt_python" "$here/check.py" table "$@"
