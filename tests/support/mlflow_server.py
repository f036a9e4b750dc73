"""A running MLflow server for tests, on loopback and a free port, ended by its process id."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

PATIENCE = 180  # seconds to come up on a busy machine


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], health: str, port: int, log: Path) -> Iterator[int]:
    """The process id of a server that the command starts; it answers `health` by then."""
    quiet = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    with log.open("w") as out:
        process = subprocess.Popen(
            command, env=os.environ | quiet, stdout=out, stderr=out, cwd=log.parent, start_new_session=True
        )
        try:
            _wait(process, health, port, log)
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # its workers too
            process.wait(60)


@contextmanager
def mlflow_server(folder: Path, what: str = "server", *flags: str) -> Iterator[str]:
    """The address of an MLflow server, or of its `ui`, with its SQLite store in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    store = ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command = [sys.executable, "-m", "mlflow", what, *store, "--host", "127.0.0.1", "--port", str(port)]
    with running([*command, "--workers", "1", *flags], "/health", port, folder / "log.txt"):
        yield f"http://127.0.0.1:{port}"


def _wait(process: subprocess.Popen, health: str, port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", health)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.2)
    raise AssertionError(log.read_text())
