"""`exo-edge can dump`: frames of a live bus, a log or a record, decoded with units and reasons, checked and counted."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_runtime.commands.options import positive_float

if TYPE_CHECKING:
    from edge_runtime.can_dump import Filter
    from edge_runtime.can_source import Source
    from firmware_bridge.monitor import Line, Monitor
    from firmware_bridge.schema import Table

HELP = "decode a live bus, a log (.log, .asc, .blf) or a record (.mcap)"


def configure(parser: argparse.ArgumentParser) -> None:
    """Source, filters and form."""
    add_source(parser)
    parser.add_argument("--message", action="append", default=[], metavar="NAME", help="only this message (repeatable)")
    parser.add_argument("--joint", action="append", default=[], metavar="NAME", help="only this joint (repeatable)")
    parser.add_argument("--errors", action="store_true", help="only what is wrong: checks, unknown frames, SAFE")
    parser.add_argument("--limits", type=Path, metavar="FILE", help="limits table that names the frames (the built-in)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object per line, the summary last")
    form.add_argument("--csv", action="store_true", help="rows under a header, the summary on stderr")


def add_source(parser: argparse.ArgumentParser) -> None:
    """Where frames come from, and for how long."""
    help_source = "log file, record or run folder, or a bus: socketcan:can0, python-can:slcan:/dev/ttyACM0, unix:PATH"
    parser.add_argument("source", metavar="SOURCE", help=help_source)
    parser.add_argument("--seconds", type=positive_float, metavar="S", help="of a live bus: so long (until Ctrl-C)")


def run(arguments: argparse.Namespace) -> int:
    """Print lines as they come, then the summary; 1 where the source is damaged or the bus was lost."""
    from edge_runtime.can_dump import Filter
    from edge_runtime.can_source import open_source
    from firmware_bridge.monitor import Monitor
    from firmware_bridge.table import TABLE, load_table

    table = TABLE if arguments.limits is None else load_table(arguments.limits)
    _known("message", arguments.message, [*table.messages, "unknown", "error_frame", "cycle"])
    _known("joint", arguments.joint, [*table.joints, "all"])
    wanted = Filter(frozenset(arguments.message), frozenset(arguments.joint), arguments.errors)
    path = Path(arguments.source)
    if path.is_dir() or path.suffix == ".mcap":
        return _dump_record(path, wanted, arguments, table)
    monitor = Monitor(table)
    with open_source(arguments.source, arguments.seconds, table) as source:
        return _dump_frames(source, monitor, wanted, arguments, table)


def _known(what: str, names: list[str], known: Iterable[str]) -> None:
    from edge_runtime.errors import UserError

    for name in names:
        if name not in known:
            raise UserError(f"--{what} {name}: not in the limits table; it has {', '.join(known)}")


def _dump_frames(source: Source, monitor: Monitor, wanted: Filter, arguments: argparse.Namespace, table: Table) -> int:
    from edge_runtime.can_dump import summary
    from firmware_bridge.capture import CaptureError

    show = _printer(arguments, table)
    problem = ""
    try:
        for line in _seen(source, monitor):
            if wanted.passes(line):
                show(line)
    except KeyboardInterrupt:
        pass
    except CaptureError as error:
        problem = str(error)
    _finish(summary(monitor, source.rates), arguments)
    if problem:
        print(f"exo-edge: {problem}", file=sys.stderr)
    return 1 if problem else 0


def _seen(source: Source, monitor: Monitor) -> Iterator[Line]:
    for captured in source.frames:
        if captured.frame is None:
            print(f"exo-edge: {captured.note}", file=sys.stderr)
        else:
            yield monitor.see(captured.t_s, captured.frame)


def _dump_record(path: Path, wanted: Filter, arguments: argparse.Namespace, table: Table) -> int:
    from edge_runtime.record.reader import load
    from edge_runtime.record.wire_lines import wire_lines

    record = load(path)
    show = _printer(arguments, table)
    for line in wire_lines(record, table):
        if wanted.passes(line):
            show(line)
    cycles = record.cycles
    rows = cycles["t_ns"].size
    last = {name: int(cycles[name][-1]) for name in ("sent", "received", "rejected", "missed") if rows}
    told = ", ".join(f"{name} {value}" for name, value in last.items()) or "no cycle"
    print(f"{rows} cycles of the torque loop (a record holds no raw frames): {told}", file=sys.stderr)
    if not record.complete:
        print(f"exo-edge: record {record.path}: cut; what came before is kept", file=sys.stderr)
    return 0 if record.complete else 1


def _printer(arguments: argparse.Namespace, table: Table) -> Callable[[Line], None]:
    from edge_runtime.can_dump import AsCsv, as_colour, as_json, as_text

    text: Callable[[Line], str]
    if arguments.json:
        text = as_json
    elif arguments.csv:
        text = AsCsv(table)
        print(text.header)
    else:
        text = as_colour if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else as_text
    return lambda line: print(text(line))


def _finish(result: dict[str, Any], arguments: argparse.Namespace) -> None:
    import json

    from edge_runtime.can_dump import summary_lines

    if arguments.json:
        print(json.dumps({"summary": result}))
    else:
        print("\n".join(summary_lines(result)), file=sys.stderr if arguments.csv else sys.stdout)
