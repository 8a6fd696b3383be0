"""Ground reaction forces of both feet from the recent motion of the joints."""

from engines.grf.engine import GrfEngine, GrfResult

__all__ = ["GrfEngine", "GrfResult"]
