"""`exo-edge hil run`: scenarios on a rig, with a verdict, records and a report."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_runtime.commands.options import add_json, positive_int, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.results import Result

HELP = "run scenarios and say whether each is as declared"


def configure(parser: argparse.ArgumentParser) -> None:
    """What to run, where, how often."""
    parser.add_argument("scenario", nargs="*", metavar="SCENARIO", help="name of a shipped one, or a file NAME.toml")
    parser.add_argument("--all", action="store_true", help="every shipped scenario")
    parser.add_argument("--tag", metavar="WORD", help="with --all: only those with this tag")
    parser.add_argument("--rig", default="", metavar="RIG", help="phantom-sim, firmware or phantom-serial (the file's)")
    parser.add_argument("--repeat", type=positive_int, default=1, metavar="N", help="each so many times (1)")
    parser.add_argument("--jobs", type=positive_int, default=1, metavar="N", help="so many at the same time (1)")
    parser.add_argument("--out", type=Path, default=Path("runs"), metavar="DIR", help="folder for the files (runs)")
    parser.add_argument("--openhtf", action="store_true", help="write an OpenHTF test record as well")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Status 0 where every verdict is as declared."""
    import time

    from edge_runtime.stats import host_block
    from hil.overview import JUNIT_FILE, summary, write_junit, write_overview
    from hil.runner import plan_jobs, run_jobs

    folder = arguments.out / datetime.now().strftime("hil_%Y-%m-%d_%H-%M-%S")
    jobs = plan_jobs(_files(arguments), arguments.rig, arguments.repeat, folder)
    begun = time.perf_counter()
    results = list(_shown(run_jobs(jobs, arguments.jobs), len(jobs)))
    seconds = time.perf_counter() - begun
    folder.mkdir(parents=True, exist_ok=True)
    write_junit(results, folder / JUNIT_FILE)
    page = write_overview(results, seconds, folder)
    if arguments.openhtf:
        from hil.openhtf_record import write_openhtf

        write_openhtf(results)
    document = summary(results, seconds) | {"report": str(page)}
    show(document | host_block(), arguments, _lines)
    return 0 if not document["failed"] else 1


def _files(arguments: argparse.Namespace) -> list[Path]:
    from edge_runtime.errors import UserError
    from hil.scenario import find, load_scenario, shipped

    if arguments.all and arguments.scenario:
        raise UserError("--all takes every shipped scenario; name some, or pass --all")
    if not arguments.all and not arguments.scenario:
        raise UserError("name a scenario, or pass --all; exo-edge hil list names them")
    files = shipped() if arguments.all else find(arguments.scenario)
    if arguments.tag:
        files = [file for file in files if arguments.tag in load_scenario(file).tags]
    if not files:
        raise UserError(f"no scenario has the tag {arguments.tag}; exo-edge hil list shows them")
    return files


def _shown(results: Iterator[Result], count: int) -> Iterator[Result]:
    """The same results, with a line each and a bar on stderr."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("scenarios", total=count)
        for result in results:
            bar.advance(task)
            mark = "ok  " if result.passed else "FAIL"
            console.print(f"{mark} {result.scenario} ({result.seconds:.1f} s) {result.error}", highlight=False)
            yield result


def _lines(document: dict[str, Any]) -> list[str]:
    lines = []
    for result in document["results"]:
        if result["passed"]:
            continue
        lines.append(f"{result['scenario']}: {result['error'] or 'not as declared'}")
        lines += [f"  {'ok  ' if f['passed'] else 'FAIL'} {f['line']}" for f in result["findings"]]
    counted = (
        f"{document['passed']} of {document['scenarios']} as declared, {document['limit_violations']} limit violations"
    )
    return [*lines, f"{counted}, {document['seconds']:.1f} s", f"report: {document['report']}"]
