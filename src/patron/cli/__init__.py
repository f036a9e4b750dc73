"""The command line: parse, call, print; made from the fields of the settings.

::

    commands.py    every command: its name, its recipe, and the settings that it takes as flags
    builder.py     from a declared command to a Typer command
    flags.py       from the flags that were given to the settings
    reference.py   docs/settings.md: every setting with its flag
    terminal.py    the output: progress and notes on stderr, tables or one JSON object on stdout
    signals.py     Ctrl-C and SIGTERM

Exit codes: 0 done, 1 failed, 2 invalid input, 130 stopped by Ctrl-C, 143 stopped by SIGTERM. Every failure is
reported in one sentence; with ``PATRON_DEBUG=1`` the traceback is shown as well. The recipe of a command and
its settings are imported when it runs, so that ``patron --help`` answers at once.
"""

import os
import sys
import traceback
from collections.abc import Sequence

import typer

from patron.cli.commands import app
from patron.cli.signals import INTERRUPTED, heed_signals, was_interrupted
from patron.errors import InputError, PatronError

__all__ = ["app", "main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code; every failure is one sentence on stderr.

    Parameters
    ----------
    arguments
        Arguments after ``patron``; None takes those of the process.
    """
    with heed_signals():
        code, sentence = _run(list(sys.argv[1:] if arguments is None else arguments))
        if code and was_interrupted():
            code, sentence = INTERRUPTED, "Stopped by Ctrl-C; no file is half written."
    if sentence:
        sys.stderr.write(f"patron: {sentence}\n")
    sys.exit(code)


def _run(arguments: list[str]) -> tuple[int, str]:
    """Exit code, and the sentence that reports the failure."""
    try:
        return int(app(args=arguments, prog_name="patron", standalone_mode=False) or 0), ""
    except typer.TyperException as refused:  # an unknown flag, a missing value
        return refused.exit_code, refused.format_message()
    except InputError as refused:
        _debug()
        return 2, str(refused)
    except PatronError as failed:
        _debug()
        return 1, str(failed)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED, ""
    except BrokenPipeError:  # the reader of stdout has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1, ""
    except Exception as failed:
        _debug()
        what = " ".join(str(failed).split()) or "no message"
        return 1, f"Failed: {type(failed).__name__}: {what}. Set PATRON_DEBUG=1 to see where."


def _debug() -> None:
    if os.environ.get("PATRON_DEBUG", "0") not in ("", "0"):
        traceback.print_exc()
