"""A PostgreSQL server for the tests: one of its own, reached by a socket without TCP, gone when they end."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

_DEBIAN = Path("/usr/lib/postgresql")  # which keeps the server off the path
_OWNER = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
_PATIENCE = 120.0  # seconds for a server to start on a busy machine
_WATCHED = '"$@" & read -r _; kill -INT $!; wait; rm -rf "$0"'
"""The server ends with whoever started it, however that ends: then nobody holds the other end of the pipe."""


def _programs() -> Path | None:
    """The folder of initdb and postgres."""
    found = shutil.which("initdb") or next(iter(sorted(_DEBIAN.glob("*/bin/initdb"))), None)
    return None if found is None else Path(found).resolve().parent


WHY_NOT_POSTGRES = (
    "psycopg is not installed (pip install 'patron[postgres]')"
    if find_spec("psycopg") is None
    else "there is no PostgreSQL server (apt-get install postgresql)"
    if _programs() is None
    else "the PostgreSQL server does not run as root, and there is no user 'postgres'"
    if _OWNER is not None and _OWNER not in {user.pw_name for user in pwd.getpwall()}
    else None
)
"""Why there is no PostgreSQL, as the end of a sentence; None where there is."""


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of an empty PostgreSQL, which runs while the block does."""
    # Not in pytest's folder, which only its owner may enter; and the path of a socket must be short.
    home = Path(tempfile.mkdtemp(prefix="patron-postgres-", dir="/tmp"))
    try:
        with _running(home) as url:
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)  # it is gone already where the server ran


@contextmanager
def _running(home: Path) -> Iterator[str]:
    programs, data, log = _programs(), home / "data", home / "log"
    assert programs is not None
    run_as = {} if _OWNER is None else {"user": _OWNER, "group": _OWNER, "extra_groups": []}
    if _OWNER is not None:
        shutil.chown(home, _OWNER, _OWNER)
    make = [programs / "initdb", "-D", data, "-U", "patron", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    subprocess.run(make, check=True, cwd=home, stdout=subprocess.DEVNULL, **run_as)
    serve = [programs / "postgres", "-D", data, "-k", home, "-c", "listen_addresses=", "-c", "fsync=off"]
    watched = ["sh", "-c", _WATCHED, home, *serve]
    with log.open("wb") as told:
        server = subprocess.Popen(
            watched, cwd=home, stdin=subprocess.PIPE, stdout=told, stderr=told, **run_as
        )
    try:
        url = f"postgresql://patron@/postgres?host={home}"
        _wait_for(url, log)
        yield url
    finally:
        server.communicate(b"\n")


def _wait_for(url: str, log: Path) -> None:
    import psycopg

    until = time.monotonic() + _PATIENCE
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError as refused:
            if time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL does not start: {log.read_text()}") from refused
            time.sleep(0.05)
