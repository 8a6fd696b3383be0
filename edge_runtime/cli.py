"""The command `exo-edge`: parses the line, runs one command, turns world errors into one line on stderr."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge_runtime import __version__
from edge_runtime.codecache import use_code_cache
from engines.cache import cache_dir

Command = Callable[[argparse.Namespace], int]

EXIT_PROBLEM = 1  # 0 is success, 2 (argparse) a wrong command line


def main(argv: list[str] | None = None) -> int:
    """Entry point of the console script; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return _run_command(arguments)
    except KeyboardInterrupt:
        print("exo-edge: stopped", file=sys.stderr)
    except BrokenPipeError:
        _drop_stdout()
    except OSError as error:
        _drop_stdout()
        print(f"exo-edge: {error}; nothing moves, the command has ended", file=sys.stderr)
    return EXIT_PROBLEM


def _run_command(arguments: argparse.Namespace) -> int:
    use_code_cache(cache_dir())
    from edge_runtime.commands import COMMANDS
    from edge_runtime.errors import WORLD_ERRORS

    command: Command = COMMANDS[arguments.command]
    try:
        status = command(arguments)
        sys.stdout.flush()
    except WORLD_ERRORS as error:
        print(f"exo-edge: {error}", file=sys.stderr)
        return EXIT_PROBLEM
    return status


def _drop_stdout() -> None:
    """Nobody reads it any more, or it is full: what is left in its buffer must not raise again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="exo-edge", description="Camera to exoskeleton knee torque at constant latency."
    )
    parser.add_argument("--version", action="version", version=f"exo-edge {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _fetch(commands)
    _run(commands)
    _bench(commands)
    _evaluate(commands)
    _can(commands)
    _hil(commands)
    _json(commands.add_parser("doctor", help="what this machine can and cannot do"))
    return parser


def _fetch(commands: Any) -> None:
    commands.add_parser("fetch", help="bring networks and demo clip into the user's cache; works offline afterwards")


def _run(commands: Any) -> None:
    run = commands.add_parser("run", help="run the whole chain on a video and write a report")
    _plan_options(run)
    run.add_argument("--clock", choices=("real", "virtual"), default="real", help="virtual: lock-step, deterministic")
    run.add_argument("--passes", type=_positive_int, default=6, metavar="N", help="play the clip N times (6)")
    run.add_argument("--out", type=Path, default=Path("runs"), metavar="DIR", help="where run folders go (runs)")
    run.add_argument("--view", choices=("live", "none"), default="live", help="terminal view while it runs")


def _plan_options(parser: Any) -> None:
    parser.add_argument("--clip", type=Path, metavar="FILE", help="walking video (the fetched demo clip)")
    parser.add_argument("--frames", type=_frame_range, metavar="A:B", help="first and last frame, from 0 (all)")
    parser.add_argument("--crop", type=_box, metavar="X,Y,W,H", help="part of the picture to look at, px (all)")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="profile of the wearer (demo)")
    parser.add_argument("--device", type=Path, metavar="FILE", help="device file (this machine, simulated firmware)")


def _bench(commands: Any) -> None:
    bench = commands.add_parser("bench", help="measure speed").add_subparsers(dest="what", required=True)
    frame = bench.add_parser("frame", help="capture to setpoint on the wire, per stage and in total")
    _plan_options(frame)
    frame.add_argument("--seconds", type=_positive_float, default=60.0, metavar="S")
    frame.add_argument("--rate", type=_positive_float, default=60.0, metavar="HZ", help="camera rate (60)")
    _json(frame)


def _evaluate(commands: Any) -> None:
    evaluate = commands.add_parser("evaluate", help="measure accuracy").add_subparsers(dest="what", required=True)
    grf = evaluate.add_parser("grf", help="ground reaction force against measured gait")
    grf.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with measured gait (.npz)")
    _json(grf)


def _can(commands: Any) -> None:
    can = commands.add_parser("can", help="what is derived from firmware_bridge/limits.toml")
    generate = can.add_subparsers(dest="what", required=True).add_parser("generate", help="write header, DBC, docs")
    generate.add_argument("--check", action="store_true", help="write nothing; status 1 where a file is stale")


def _hil(commands: Any) -> None:
    hil = commands.add_parser("hil", help="verdicts on recorded runs")
    judge = hil.add_subparsers(dest="what", required=True).add_parser("judge", help="pass or fail of one run")
    judge.add_argument("run", type=Path, metavar="RUN", help="run folder or record.mcap")
    _json(judge)


def _json(parser: Any) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def _positive_int(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, got {text}")
    return int(text)


def _positive_float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 1e5:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text}")
    return value


def _frame_range(text: str) -> tuple[int, int]:
    first, _, last = text.partition(":")
    try:
        return int(first), int(last)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be FIRST:LAST, got {text}") from None


def _box(text: str) -> tuple[int, int, int, int]:
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be X,Y,WIDTH,HEIGHT in px, got {text}") from None
    return x, y, width, height
