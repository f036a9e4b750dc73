"""Ctrl-C and SIGTERM: both unwind the job, so that temporary files are removed and the MLflow run is closed.

A library may swallow the KeyboardInterrupt: DuckDB turns it into a RuntimeError, and a sampler may return
what it has so far. So the interruption is remembered, and the next step of the job raises it again.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["INTERRUPTED", "TERMINATED", "check_interruption", "heed_signals", "was_interrupted"]

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes: 128 and the number of the signal."""

_received: list[int] = []


@contextmanager
def heed_signals() -> Iterator[None]:
    """While open, SIGINT raises KeyboardInterrupt and is remembered, and SIGTERM ends the process."""
    _received.clear()
    before = {number: signal.signal(number, _heed) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def was_interrupted() -> bool:
    """Whether Ctrl-C was pressed, even if a library swallowed it."""
    return signal.SIGINT in _received


def check_interruption() -> None:
    """Raise KeyboardInterrupt again if Ctrl-C was pressed."""
    if was_interrupted():
        raise KeyboardInterrupt


def _heed(number: int, frame: FrameType | None) -> None:
    _received.append(number)
    if number == signal.SIGTERM:
        raise SystemExit(TERMINATED)
    raise KeyboardInterrupt
