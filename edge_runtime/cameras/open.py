"""Opens the camera that a spec names."""

from __future__ import annotations

from edge_runtime.cameras.base import Camera
from edge_runtime.cameras.spec import CameraSpec, check_source


def open_camera(spec: CameraSpec) -> Camera:
    """The camera, ready to be read; UserError, one line: no such device, stream, file or tool."""
    check_source(spec.source)
    if spec.kind == "gst":
        from edge_runtime.cameras.gst import GstCamera

        return GstCamera(spec)
    from edge_runtime.cameras.opencv import FileCamera, StreamCamera, V4l2Camera

    if spec.kind == "v4l2":
        return V4l2Camera(spec)
    return StreamCamera(spec) if spec.kind == "rtsp" else FileCamera(spec)
