"""The Spark session for data too large for one machine: `open_spark`.

An active session is used as it is; otherwise one is started, on this machine alone (``local[*]``) unless
`master` or `remote` is given. spark_sql.py makes the answers of Spark equal to those of DuckDB.

The start-up output of Spark goes to a log file, which error messages name.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patron.errors import MissingExtraError, PatronError, SettingsError, without_password

if TYPE_CHECKING:
    from patron.tables.spark_sql import SparkEngine

__all__ = [
    "JAVA_VERSIONS",
    "has_stopped",
    "is_spark_frame",
    "java_fault",
    "on_spark",
    "open_spark",
    "spark_errors",
    "spark_failures",
]

JAVA_VERSIONS = (17, 21)
"""The oldest Java that Spark 4.0 supports, and the newest that patron is tested with."""

REQUIRED_SETTINGS: Mapping[str, str] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",  # a feature is called T
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
"""Settings that results depend on; they are also set on a session that is active already."""

LOCAL_SETTINGS: Mapping[str, str] = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
MEMORY_SHARE = 0.5
PARTITIONS_PER_CORE = 4  # of a shuffle; the default of 200 suits a cluster, and each costs 0.1 s
STOPPED = ("Answer from Java side is empty", "RETRIES_EXCEEDED", "StatusCode.UNAVAILABLE")
CONNECT_TIMEOUT = 20  # seconds for a Spark Connect server; its client alone retries for ten minutes
WORKER_DIED = (
    "Python worker exited unexpectedly",
    "Python worker failed to connect",
    "pyspark.daemon's",
    "java.io.IOException: Stream closed",  # the pipe to a worker that has ended
    "java.io.IOException: Broken pipe",
    "java.io.EOFException",
)


def open_spark(
    session: Any = None,
    *,
    master: str = "local[*]",
    remote: str | None = None,
    config: Mapping[str, str] | None = None,
) -> "SparkEngine":
    """Spark as an Ibis backend: the session given, the active one, or a new one.

    Parameters
    ----------
    session
        SparkSession; None for the active one, or a new one
    master
        Spark's address; ``local[*]`` for the cores of this machine
    remote
        address of a Spark Connect server, such as "sc://cluster:15002", instead of `master`
    config
        further settings of a new session, such as {"spark.driver.memory": "8g"}

    Returns
    -------
    SparkEngine
        with its time zone set to UTC

    Raises
    ------
    MissingExtraError
        PySpark, or what Spark Connect also needs, is not installed
    SettingsError
        Java is missing or too old; `remote` is not an address
    PatronError
        Spark does not start, or does not answer

    Examples
    --------
    >>> open_spark(remote="nowhere:15002")
    Traceback (most recent call last):
    patron.errors.SettingsError: spark.remote must begin with sc://, got 'nowhere:15002'.
    """
    if remote is not None and not remote.startswith("sc://"):
        raise SettingsError(f"spark.remote must begin with sc://, got {without_password(remote)!r}.")
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise MissingExtraError("pyspark", "spark", 'engine = "spark"') from None
    session = session or SparkSession.getActiveSession()
    if session is None:
        _silence_query_logs()
        session = _connect(remote, config or {}) if remote is not None else _start(master, config or {})
    from patron.tables.spark_sql import SparkEngine

    SparkEngine.register_options()
    engine = SparkEngine()
    with spark_failures():
        engine.do_connect(session)
        for name, value in REQUIRED_SETTINGS.items():
            session.conf.set(name, value)
    return engine


def java_fault() -> str | None:
    """What is wrong with the Java of this machine, as the beginning of a sentence; None if it is suitable.

    Examples
    --------
    >>> java_fault() is None or java_fault().startswith("there is")
    True
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if java is None:
        return f"there is none in JAVA_HOME ({home})" if home else "there is none"
    printed = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', printed)
    if found is None:
        return f"there is one at {java} that does not run"
    return None if int(found[1]) >= JAVA_VERSIONS[0] else f"there is only Java {found[1]} at {java}"


def is_spark_frame(given: Any) -> bool:
    """Whether an object is a PySpark frame.

    Parameters
    ----------
    given
        any object

    Examples
    --------
    >>> is_spark_frame([1])
    False
    """
    return type(given).__module__.startswith("pyspark.sql.") and hasattr(given, "createOrReplaceTempView")


def spark_errors() -> tuple[type[BaseException], ...]:
    """The exceptions of Spark; none if Spark has not been used.

    Examples
    --------
    >>> all(issubclass(error, Exception) for error in spark_errors())
    True
    """
    if "pyspark" not in sys.modules:
        return ()
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    return (PySparkException, Py4JError)


def on_spark(backend: Any) -> Any:
    """The backend itself, or patron's on the same session if it is the Spark backend of Ibis.

    Parameters
    ----------
    backend
        any Ibis backend

    Examples
    --------
    >>> from patron.tables.engine import open_engine
    >>> engine = open_engine()
    >>> on_spark(engine) is engine
    True
    """
    if backend.name != "pyspark" or hasattr(backend, "adopt"):
        return backend
    return open_spark(backend._session)


def has_stopped(failed: BaseException) -> bool:
    """Whether an error means that the process of Spark has ended.

    Parameters
    ----------
    failed
        an exception

    Examples
    --------
    >>> has_stopped(ConnectionRefusedError(111, "Connection refused")) == ("pyspark" in sys.modules)
    True
    """
    if "pyspark" not in sys.modules:
        return False
    from py4j.protocol import Py4JNetworkError

    gone = any(sign in str(failed) for sign in STOPPED)
    return gone or isinstance(failed, ConnectionError | Py4JNetworkError)


@contextmanager
def spark_failures() -> Iterator[None]:
    """A block in which every error of Spark becomes one sentence.

    Raises
    ------
    PatronError
        a worker or Spark itself died, or a job failed

    Examples
    --------
    >>> with spark_failures():
    ...     raise ConnectionRefusedError(111, "Connection refused")
    Traceback (most recent call last):
    patron.errors.PatronError: Spark has stopped answering: ... Nothing was written.
    """
    try:
        yield
    except _failures() as failed:
        raise PatronError(f"{_what_happened(failed)} Nothing was written.") from failed


def _failures() -> tuple[type[BaseException], ...]:
    return (*spark_errors(), ConnectionError, EOFError)


def _what_happened(failed: BaseException) -> str:
    text = " ".join(str(failed).split())
    if any(sign in text for sign in WORKER_DIED):
        return (
            "A Spark worker died, perhaps for lack of memory. Give the workers more memory, or make the "
            "partitions smaller, with spark.config."
        )
    if has_stopped(failed) or isinstance(failed, ConnectionError | EOFError):
        return "Spark has stopped answering: its process has ended, perhaps for lack of memory. Start again."
    if "ExecutorLostFailure" in text or "Lost executor" in text:
        return "Spark lost an executor, perhaps for lack of memory. Give executors more with spark.config."
    if "No space left on device" in text:
        return "Spark ran out of disk space. Free some, or name another folder with spark.local.dir."
    message = text.partition(" JVM stacktrace:")[0]
    reason = re.search(r"(?:Exception|Error): (.{1,300}?)(?: at org\.| at java\.|$)", message)
    return f"A Spark job failed: {(reason[1] if reason else message)[:300].rstrip('. ')}."


def _silence_query_logs() -> None:
    """Switch off the loggers that print each exception a second time, as a page of JSON."""
    from pyspark.logger import PySparkLogger

    for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
        PySparkLogger.getLogger(name).disabled = True


def _start(master: str, config: Mapping[str, str]) -> Any:
    """A new session, with a Java process of its own."""
    if fault := java_fault():
        raise SettingsError(
            f'engine = "spark" needs Java {" or ".join(map(str, JAVA_VERSIONS))}, and {fault}. Install it '
            "(Debian: apt-get install openjdk-17-jre-headless) and put java on the path, or set JAVA_HOME."
        )
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    settings = dict(REQUIRED_SETTINGS)
    if master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        settings |= {**LOCAL_SETTINGS, "spark.driver.memory": _memory()}
        settings["spark.sql.shuffle.partitions"] = str(PARTITIONS_PER_CORE * (os.cpu_count() or 1))
    conf = SparkConf(loadDefaults=False).setMaster(master).setAppName("patron")
    conf.setAll(list({**settings, **config}.items()))
    log = Path(tempfile.mkdtemp(prefix="patron-spark-")) / "spark.log"
    try:
        with log.open("wb") as output:
            gateway = launch_gateway(conf, {"stdout": output, "stderr": output})
        return SparkSession(SparkContext(conf=conf, gateway=gateway))
    except Exception as failed:  # any failure means that there is no Spark
        raise PatronError(
            f"Spark does not start: {_last_error(log)}. Its full output is in {log}."
        ) from failed


def _connect(remote: str, config: Mapping[str, str]) -> Any:
    """A session on a Spark Connect server."""
    try:
        import grpc
        from pyspark.sql import SparkSession
        from pyspark.sql.connect.client import DefaultChannelBuilder
    except ImportError:
        raise MissingExtraError("pyspark[connect]", "spark", "spark.remote") from None
    shown = without_password(remote.partition(";")[0])  # what follows may hold a token
    try:
        channel = DefaultChannelBuilder(remote).toChannel()
    except ValueError:
        raise SettingsError(f"spark.remote must be written as sc://HOST:PORT, got {shown!r}.") from None
    try:
        grpc.channel_ready_future(channel).result(timeout=CONNECT_TIMEOUT)
    except grpc.FutureTimeoutError:
        raise PatronError(
            f"No Spark Connect server answers at {shown}. Check that it runs and can be reached from here."
        ) from None
    finally:
        channel.close()
    builder = SparkSession.builder.remote(remote)
    for name, value in config.items():
        builder = builder.config(name, value)
    with spark_failures():
        return builder.getOrCreate()


def _memory() -> str:
    """Memory of the Java process of a local session, driver and workers in one: half of the machine's."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{max(1024, int(MEMORY_SHARE * whole / 2**20))}m"


def _last_error(log: Path) -> str:
    """The last line of the log that reports an error."""
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    errors = [line for line in lines if re.search(r"error|exception|unable|could not", line, re.IGNORECASE)]
    return (errors or lines or ["it printed nothing"])[-1].strip().rstrip(".")
