"""The report of a run: one HTML file that shows everything and needs no network."""

from edge_runtime.report.page import ReportContext, write_report

__all__ = ["ReportContext", "write_report"]
