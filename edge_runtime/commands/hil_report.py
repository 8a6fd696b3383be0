"""`exo-edge hil report`: the page and the JSON over runs that were done before."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_runtime.commands.options import add_json, show

HELP = "page and summary over runs done before"


def configure(parser: argparse.ArgumentParser) -> None:
    """Where the runs are."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of exo-edge hil run, or one above several")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Status 0 where every verdict is as declared."""
    from edge_runtime.errors import UserError
    from edge_runtime.stats import host_block
    from hil.overview import JUNIT_FILE, summary, write_junit, write_overview
    from hil.results import RESULT_FILE, read_result

    folders = sorted(path.parent for path in arguments.folder.rglob(RESULT_FILE))
    if not folders:
        raise UserError(f"{arguments.folder}: no runs of scenarios in it; exo-edge hil run makes some")
    results = [read_result(folder) for folder in folders]
    seconds = sum(result.seconds for result in results)
    page = write_overview(results, seconds, arguments.folder)
    write_junit(results, arguments.folder / JUNIT_FILE)
    document = summary(results, seconds) | {"report": str(page)}
    show(document | host_block(), arguments, _lines)
    return 0 if not document["failed"] else 1


def _lines(document: dict[str, Any]) -> list[str]:
    failed = ", ".join(document["failed"]) or "none"
    return [
        f"{document['passed']} of {document['scenarios']} as declared; failed: {failed}",
        f"report: {document['report']}",
    ]
