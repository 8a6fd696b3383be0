"""What the exoskeleton firmware consumes: limits, wire format, E2E protection, buses, governor."""
