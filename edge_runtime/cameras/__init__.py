"""Live cameras: V4L2, GStreamer, RTSP and files behind one protocol, watched for faults, newest frame only."""
