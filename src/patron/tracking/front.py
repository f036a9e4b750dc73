"""MLflow's scoring server with a guarded front: an ASGI application.

::

    /ping  /health  /version      MLflow's own
    /invocations                  read here (bodies.py), checked and scored by the model (guard.py, served.py)

Left alone, MLflow's server answers a request without a content type with status 500, passes over parameters
that it does not know, puts the rows of a request into its own errors, and takes a second to write the answer
for ten thousand customers. Here every request that is not answered gets status 400 and one sentence, in
MLflow's own form: ``{"error_code": "INVALID_PARAMETER_VALUE", "message": …}``.
"""

import asyncio
import gc
import json
import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
from mlflow.pyfunc import scoring_server

from patron.errors import ModelError, PatronError
from patron.tracking.bodies import read_body
from patron.tracking.guard import RefusedRequest, refuse
from patron.tracking.served import ServedModel
from patron.tracking.signature import input_example

__all__ = ["FOLDER", "MOST_BYTES", "Front", "front_from_environment", "load_front", "settle_process"]

FOLDER, LIMIT = "PATRON_SERVED_FOLDER", "PATRON_SERVED_BYTES"
"""Environment variables by which a worker learns what it serves: the model's folder, the largest body."""

MOST_BYTES = 64_000_000
"""The largest body that is read, unless another limit is given."""

THREADS = 4  # more would wait for one another, and each may hold a large request

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]

log = logging.getLogger(__name__)


def load_front(folder: str | Path, *, most_bytes: int = MOST_BYTES) -> "Front":
    """The application for a model in a folder.

    Parameters
    ----------
    folder
        as `patron.tracking.registry.export_model` writes it
    most_bytes
        the largest body that is read

    Raises
    ------
    ModelError
        the folder holds no model of patron, or one that cannot be read

    Examples
    --------
    See :func:`patron.tracking.server.run_server`.
    """
    try:
        loaded = mlflow.pyfunc.load_model(str(folder))
        model = loaded.unwrap_python_model()
    except PatronError:
        raise
    except Exception as error:  # what lies in the folder is read and run by MLflow, and may fail in any way
        raise ModelError(f"The folder {str(folder)!r} holds no model that MLflow loads.") from error
    if not isinstance(model, ServedModel):
        raise ModelError(f"The folder {str(folder)!r} holds no model of patron: use mlflow models serve.")
    model.predict(
        None, input_example(model.bundle)
    )  # the first customer need not wait for what is loaded late
    return Front(scoring_server.init(loaded), model, most_bytes)


def front_from_environment() -> "Front":
    """The application that the environment describes: what each of several workers calls.

    Raises
    ------
    ModelError
        as `load_front`

    Examples
    --------
    See :func:`patron.tracking.server.run_server`.
    """
    front = load_front(os.environ[FOLDER], most_bytes=int(os.environ.get(LIMIT, MOST_BYTES)))
    settle_process()
    return front


def settle_process() -> None:
    """Set this process up to do nothing but serve from now on: what it sets holds for all that it does.

    Examples
    --------
    See :func:`patron.tracking.server.run_server`.
    """
    pd.set_option("mode.string_storage", "python")  # Arrow's texts are slow where there are few of them
    gc.collect()
    gc.freeze()  # what is there by now stays: collecting garbage need not look through it


class Front:
    """What the server calls with each request.

    Parameters
    ----------
    others
        MLflow's application, for all paths but /invocations
    model
        answers the rows of a request
    most_bytes
        the largest body that is read
    """

    def __init__(self, others: Any, model: ServedModel, most_bytes: int = MOST_BYTES) -> None:
        self._others, self._model, self._most_bytes = others, model, most_bytes
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="score")
        self._patience = MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.get()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        if scope["type"] != "http" or (scope["path"], scope["method"]) != ("/invocations", "POST"):
            await self._others(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in scope["headers"]}
        try:
            body = await self._body(headers, receive)
            if headers.get("content-encoding", "identity") != "identity":
                raise refuse("The body is compressed, as its Content-Encoding says: send it as it is.")
            scoring = asyncio.get_running_loop().run_in_executor(
                self._threads, self._score, body, headers.get("content-type")
            )
            status, answer = await asyncio.wait_for(scoring, self._patience)
        except RefusedRequest as refused:
            status, answer = 400, refused.serialize_as_json().encode()
        except ConnectionError:  # nobody is there to be answered
            return
        except TimeoutError:
            status, answer = 504, _failure(f"The request took more than {self._patience} seconds.")
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", b"application/json"),
                    (b"content-length", str(len(answer)).encode()),
                ],
            }
        )
        await send({"type": "http.response.body", "body": answer})

    async def _body(self, headers: dict[str, str], receive: Receive) -> bytes:
        """The body up to the limit; the rest is received and dropped, so that the client gets the answer."""
        announced = headers.get("content-length", "")
        too_large = announced.isdigit() and int(announced) > self._most_bytes
        parts: list[bytes] = []
        size, more = 0, not (too_large and "expect" in headers)
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError
            part, more = message.get("body", b""), message.get("more_body", False)
            size += len(part)
            too_large = too_large or size > self._most_bytes
            if too_large:
                parts.clear()
            else:
                parts.append(part)
        if too_large:
            raise refuse(f"The body is larger than {self._most_bytes:,} bytes: send the rows in parts.")
        return b"".join(parts)

    def _score(self, body: bytes, content_type: str | None) -> tuple[int, bytes]:
        try:
            rows, parameters = read_body(body, content_type, self._model.bundle)
            return 200, f'{{"predictions": {self._model.answer(rows, parameters)}}}'.encode()
        except RefusedRequest:
            raise
        except Exception as error:  # the last door: nobody outside may see a stack trace
            log.exception("A request of %d bytes could not be answered.", len(body))
            raise refuse(f"The request cannot be read ({type(error).__name__}).") from None


def _failure(sentence: str) -> bytes:
    return json.dumps({"error_code": "DEADLINE_EXCEEDED", "message": sentence}).encode()
