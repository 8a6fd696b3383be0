"""The record of a run: written as MCAP while it happens, loaded back as columns, summed up."""

from edge_runtime.record.names import Names, by_code
from edge_runtime.record.reader import Event, Record, load
from edge_runtime.record.recorder import RECORD_FILE, Recorder
from edge_runtime.record.summary import summarize
from edge_runtime.record.violations import TorqueLimits, Violations, limit_violations

__all__ = [
    "RECORD_FILE",
    "Event",
    "Names",
    "Record",
    "Recorder",
    "TorqueLimits",
    "Violations",
    "by_code",
    "limit_violations",
    "load",
    "summarize",
]
