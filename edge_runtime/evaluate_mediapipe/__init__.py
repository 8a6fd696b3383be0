"""Our pose pipeline against MediaPipe's own on the same frames."""
