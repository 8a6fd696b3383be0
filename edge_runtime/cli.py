"""The command `exo-edge`: parses the line, runs one command, turns world errors into one line on stderr."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from edge_runtime import __version__
from edge_runtime.codecache import use_code_cache
from edge_runtime.commands import COMMANDS, GROUPS, words
from engines.cache import cache_dir

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
    from edge_runtime.errors import WORLD_ERRORS

    try:
        status: int = arguments.run_command(arguments)
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
    top = parser.add_subparsers(required=True, metavar="COMMAND")
    groups: dict[str, Any] = {}
    for command in COMMANDS:
        *group, word = words(command)
        parent = top
        for name in group:
            if name not in groups:
                groups[name] = top.add_parser(name, help=GROUPS[name]).add_subparsers(required=True, metavar="WHAT")
            parent = groups[name]
        leaf = parent.add_parser(word, help=command.HELP)
        command.configure(leaf)
        leaf.set_defaults(run_command=command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
