"""The command line: parse, call, print; no logic.

::

    flags.py      every flag, its help, and the place in the settings where its value belongs
    commands.py   the commands: settings from flags, one call into workflows, one result to show
    terminal.py   how things look: progress and notes on stderr, tables or one JSON object on stdout

Exit codes: 0 done, 1 failed, 2 what was given cannot be used, 130 stopped by Ctrl-C, 143 stopped by
SIGTERM. Whatever goes wrong is said in one sentence; with ``PATRON_DEBUG=1`` the traceback is shown as well.
What a command needs is imported inside it, so that ``patron --help`` answers at once.
"""

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

import typer

from patron.cli.commands import app
from patron.errors import InputError, PatronError

__all__ = ["app", "main"]

_INTERRUPTED, _TERMINATED = 130, 143


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code; every failure is one sentence on stderr.

    Parameters
    ----------
    arguments : what stands after ``patron``; None takes it from the process
    """
    sys.exit(_run(list(sys.argv[1:] if arguments is None else arguments)))


def _run(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = app(args=arguments, prog_name="patron", standalone_mode=False)
    except typer.TyperException as refused:  # an unknown flag, a missing value
        return _fail(refused.format_message() or "No command is given. See patron --help.", refused.exit_code)
    except InputError as refused:
        return _fail(str(refused), 2)
    except PatronError as failed:
        return _fail(str(failed), 1)
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except BrokenPipeError:  # the reader of stdout has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as failed:
        what = " ".join(str(failed).split()) or "no message"
        return _fail(f"Failed: {type(failed).__name__}: {what}. Set PATRON_DEBUG=1 to see where.", 1)
    if code == _INTERRUPTED:
        return _fail("Stopped by Ctrl-C; no output file was changed.", _INTERRUPTED)
    return int(code or 0)


def _fail(sentence: str, code: int) -> int:
    if os.environ.get("PATRON_DEBUG", "0") not in ("", "0"):
        traceback.print_exc()
    sys.stderr.write(f"patron: {sentence}\n")
    return code


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(_TERMINATED)  # unwinds, so that temporary files are removed
