"""TFLite to ONNX (opset 17, static, NCHW) for the float convolutional nets of the BlazePose family."""

from __future__ import annotations

from typing import Final

CONVERTER_VERSION: Final = 1
"""Part of the name of every converted file: raise it when the output changes."""
