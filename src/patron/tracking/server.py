"""The scoring server as a process: uvicorn, with one worker or several."""

import os
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from patron.errors import MissingExtraError, SettingsError

__all__ = ["check_address", "is_loopback", "run_server"]

LOOPBACK = ("localhost", "::1")


def check_address(host: str, port: int, workers: int) -> None:
    """Refuse an address that the server cannot use, before the model is loaded.

    Parameters
    ----------
    host, port
        where to listen
    workers
        processes, ≥ 1

    Raises
    ------
    SettingsError
        the address is in use, or does not belong to this machine
    MissingExtraError
        more than one worker, and uvloop is not installed

    Examples
    --------
    >>> check_address("192.0.2.1", 5001, workers=1)
    Traceback (most recent call last):
        ...
    patron.errors.SettingsError: Cannot listen on 192.0.2.1, port 5001: ...
    """
    if workers > 1 and find_spec("uvloop") is None:
        raise MissingExtraError("uvloop", "serve", "More than one serving worker")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SettingsError(
            f"Cannot listen on {host}, port {port}: {why}. Name another with --host and --port."
        ) from None


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach the host.

    Parameters
    ----------
    host
        name or address

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    return host in LOOPBACK or host.startswith("127.")


def run_server(folder: str | Path, *, host: str, port: int, workers: int, most_bytes: int) -> None:
    """Serve the model in a folder until the process is stopped.

    Parameters
    ----------
    folder
        as for :func:`patron.tracking.front.load_front`; several workers all read it
    host, port
        where to listen
    workers
        processes, ≥ 1; each holds the model
    most_bytes
        the largest body of a request

    Examples
    --------
    >>> from patron.tracking.front import load_front
    >>> load_front("no folder")
    Traceback (most recent call last):
        ...
    patron.errors.ModelError: The folder 'no folder' holds no model that MLflow loads.
    """
    import uvicorn

    from patron.tracking.front import FOLDER, LIMIT, load_front, settle_process

    front = load_front(folder, most_bytes=most_bytes)  # also with several workers: errors appear here
    os.environ |= {FOLDER: str(folder), LIMIT: str(most_bytes)}
    options: dict[str, Any] = {"host": host, "port": port, "access_log": False, "server_header": False}
    if workers == 1:
        settle_process()
        uvicorn.run(front, **options)
    else:
        factory = "patron.tracking.front:front_from_environment"
        uvicorn.run(factory, factory=True, workers=workers, loop="uvloop", **options)
