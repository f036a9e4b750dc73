"""MLflow's scoring server with a guarded front: an ASGI application on Starlette.

::

    /ping  /health  /version      MLflow's own
    /invocations                  read here (bodies.py), checked and scored by the model (guard.py, served.py)

On its own, MLflow's server answers a request without a content type with status 500, ignores unknown
parameters, repeats the rows of a request in its errors, and takes a second to write the answer for ten
thousand customers. Here every invalid request gets status 400 and one sentence, in MLflow's own form:
``{"error_code": "INVALID_PARAMETER_VALUE", "message": …}``.
"""

import asyncio
import gc
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
from mlflow.pyfunc import scoring_server
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from patron.errors import ModelError, PatronError
from patron.tracking.bodies import read_body
from patron.tracking.guard import RefusedRequest, refuse
from patron.tracking.package import input_example
from patron.tracking.served import ServedModel

__all__ = ["FOLDER", "MOST_BYTES", "Front", "front_from_environment", "load_front", "settle_process"]

FOLDER, LIMIT = "PATRON_SERVED_FOLDER", "PATRON_SERVED_BYTES"
"""Environment variables by which a worker learns what it serves: the model's folder and the largest body."""

MOST_BYTES = 64_000_000
"""The largest body that is read, unless another limit is given."""

THREADS = 4  # more would wait for one another, and each may hold a large request

log = logging.getLogger(__name__)


def load_front(folder: str | Path, *, most_bytes: int = MOST_BYTES) -> "Front":
    """The application that serves the model in a folder.

    Parameters
    ----------
    folder
        as `patron.tracking.registry.export_model` writes it; any other is refused with a ModelError
    most_bytes
        the largest body that is read

    Examples
    --------
    See :func:`patron.tracking.server.run_server`.
    """
    try:
        loaded = mlflow.pyfunc.load_model(str(folder))
        model = loaded.unwrap_python_model()
    except PatronError:
        raise
    except Exception as error:  # MLflow reads and runs what is in the folder, and may fail in any way
        raise ModelError(f"The folder {str(folder)!r} holds no model that MLflow loads.") from error
    if not isinstance(model, ServedModel):
        raise ModelError(f"The folder {str(folder)!r} holds no model of patron: use mlflow models serve.")
    model.predict(None, input_example(model.bundle))  # so that the first request finds everything loaded
    return Front(scoring_server.init(loaded), model, most_bytes)


def front_from_environment() -> "Front":
    """The application that the environment describes; each of several workers calls it.

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
    """Tune this process for serving; the settings hold for everything that it does.

    Examples
    --------
    See :func:`patron.tracking.server.run_server`.
    """
    pd.set_option("mode.string_storage", "python")  # Arrow's texts are slow for few rows
    gc.collect()
    gc.freeze()  # what is there by now stays: collecting garbage need not look through it


class Front:
    """The ASGI application that the server calls with each request.

    Parameters
    ----------
    others
        MLflow's application, for all paths but /invocations
    model
        answers the rows of a request
    most_bytes
        the largest body that is read
    """

    def __init__(self, others: ASGIApp, model: ServedModel, most_bytes: int = MOST_BYTES) -> None:
        self._others, self._model, self._most_bytes = others, model, most_bytes
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="score")
        self._patience = MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.get()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI defines it.

        Parameters
        ----------
        scope, receive, send
            of ASGI
        """
        if scope["type"] != "http" or (scope["path"], scope["method"]) != ("/invocations", "POST"):
            await self._others(scope, receive, send)
            return
        with suppress(ClientDisconnect):  # the client is gone
            answer = await self._answer(Request(scope, receive))
            await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            body = await self._body(request)
            if request.headers.get("content-encoding", "identity") != "identity":
                raise refuse("The body is compressed, as its Content-Encoding says: send it uncompressed.")
            scoring = asyncio.get_running_loop().run_in_executor(
                self._threads, self._score, body, request.headers.get("content-type")
            )
            return Response(await asyncio.wait_for(scoring, self._patience), media_type="application/json")
        except RefusedRequest as refused:
            return Response(refused.serialize_as_json(), 400, media_type="application/json")
        except TimeoutError:
            sentence = f"The request took more than {self._patience} seconds."
            return JSONResponse({"error_code": "DEADLINE_EXCEEDED", "message": sentence}, 504)

    async def _body(self, request: Request) -> bytes:
        """The body; the rest of one that is too large is received and dropped, so that the sender learns why.

        A client that announces a body that is too large, and waits for "100 Continue", is refused at once.
        """
        announced = request.headers.get("content-length", "")
        too_large = announced.isdigit() and int(announced) > self._most_bytes
        parts: list[bytes] = []
        size = 0
        if not (too_large and "expect" in request.headers):
            async for part in request.stream():
                size += len(part)
                too_large = too_large or size > self._most_bytes
                if too_large:
                    parts.clear()
                else:
                    parts.append(part)
        if too_large:
            raise refuse(f"The body is larger than {self._most_bytes:,} bytes: send the rows in parts.")
        return b"".join(parts)

    def _score(self, body: bytes, content_type: str | None) -> str:
        try:
            rows, parameters = read_body(body, content_type, self._model.bundle)
            return f'{{"predictions": {self._model.answer(rows, parameters)}}}'
        except RefusedRequest:
            raise
        except Exception as error:  # the last resort: no stack trace may leave the server
            log.exception("A request of %d bytes could not be answered.", len(body))
            raise refuse(f"The request cannot be read ({type(error).__name__}).") from None
