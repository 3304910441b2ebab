"""The engine every job runs on: a Spark Connect session.

`SPARK_REMOTE=sc://host:port` selects an Apache Spark cluster. Without it an embedded engine (Sail) starts inside
this process: same protocol and API, no Java, up in about a second. Nothing outside this module knows which one runs.

Differences that no setting removes, so the jobs avoid them (first the embedded engine, then Apache Spark):
- integer sums beyond 64 bits wrap, or fail;
- a quotient or average of decimals has 6 digits, the last cut off, or up to 20, rounded: divide doubles;
- `round` of a double halfway between two numbers follows its binary value, or its decimal text;
- a decimal and a double are compared as decimals, or as doubles: cast the decimal to double where they may be equal;
- `cast(double as string)` of large and small numbers is plain, or has an exponent;
- `to_json` writes decimals and timestamps shorter or longer; `get_json_object` returns an object or number as
  received, or rewritten: cast such values, never compare or keep their text.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from jobs.errors import EngineFailed, StepFailed
from jobs.lake import machine
from jobs.plain_text import harmless_lines

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Settings that make both engines give the same tables. Both start in ANSI mode; it is set all the same, so that a
# cluster with another default cannot turn an impossible cast into a silent null.
PARITY = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    # Changes no result: Apache Spark derives conditions from conditions, and of one row per customer with dozens of
    # columns from a dozen joins it derives millions, until its memory is full.
    "spark.sql.constraintPropagation.enabled": "false",
}

NEVER = str(2**31 - 1)
"""Seconds, 68 years: the largest number that no clock of Sail can overflow at; the largest it accepts make it hang."""
VERBOSE = "KLANTREIS_VERBOSE"
NO_KEY = "KLANTREIS_HASH_KEY is not what the workers of the engine have"
"""What a worker says that is to hash under a key it does not have."""
GONE = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "UNAUTHENTICATED")
"""Answers of the connection, not of the engine."""

_server: Any = None  # lives as long as the process; dropping the last reference would stop it
_session: _Session | None = None
_starting = threading.Lock()


class _Session(NamedTuple):
    process: int
    remote: str
    spark: Any


def get_spark() -> SparkSession:
    """The session of this process, started at the first call and reused by every later one, however long it was idle.

    Raises RuntimeError in a process forked after the engine started: a connection cannot be shared across a fork,
    and waiting for it would never end.
    """
    global _session
    remote = os.environ.get("SPARK_REMOTE", "")
    if _session and _session.process != os.getpid():
        raise RuntimeError("the engine started before this process was forked; start it in the child, or spawn instead")
    with _starting:
        if _session is None or _session.remote != remote or _session.spark.is_stopped:
            _session = _Session(os.getpid(), remote, _connect(remote or _embedded_address()))
        return _session.spark


def _connect(address: str) -> SparkSession:
    from pyspark.errors.utils import is_debugging_enabled
    from pyspark.sql.connect.session import SparkSession as Session

    from jobs.lake.engine_session import LastingChannel

    # pyspark would note for every column which line of code asked for it: it looks for a notebook each time, and sends
    # three times the plan. It decides that once per process, and leaves it if there is no session yet when it is asked.
    is_debugging_enabled()

    # They write every failed query to stderr with the values in it: noise in Airflow, and perhaps personal data.
    for name in ("SQLQueryContextLogger", "pyspark.sql.connect.logging"):
        logging.getLogger(name).disabled = True
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"  # what `builder.remote` sets: functions build columns for Connect
    session: Any = Session.builder.channelBuilder(LastingChannel(address, PARITY)).create()
    for key, value in PARITY.items():
        _set(session, key, value)
    return session


def is_remote() -> bool:
    """Whether plans leave this process, for a server that `SPARK_REMOTE` names."""
    return bool(os.environ.get("SPARK_REMOTE"))


def stop_spark() -> None:
    """End the session of this process, if there is one; the next `get_spark` starts another.

    Call it before a Spark server that this process uses is stopped: a client waits ten minutes for a lost server.
    """
    global _session
    if _session and _session.process == os.getpid():
        _session.spark.stop()
    _session = None


@contextmanager
def told_plainly(about: str = "") -> Iterator[None]:
    """Makes an error of the engine or the machine one message for a person; every other error passes.

    `about` is the step or command that a refusal of the machine is told with. With KLANTREIS_VERBOSE set the whole
    traceback goes to stderr first.
    """
    try:
        yield
        return
    except StepFailed:
        raise
    except Exception as error:
        told = machine.told(error, about) or _told(error)
        if told is None:
            raise
        if os.environ.get(VERBOSE):
            sys.stderr.write(harmless_lines("".join(traceback.format_exception(error))) + "\n")
    raise told from None  # a traceback would show the words of the engine


def lost(error: BaseException) -> bool:
    """Whether this error says that the engine or its session is gone, rather than that it cannot do what is asked."""
    if not _of_engine(error):
        return False
    code = getattr(error, "getGrpcStatusCode", getattr(error, "code", lambda: None))()
    gone = ("is not running", "INVALID_HANDLE", "NO_ACTIVE_SESSION")
    return getattr(code, "name", "") in GONE or any(words in str(error) for words in gone)


def _told(error: Exception) -> StepFailed | None:
    if not _of_engine(error):
        return None
    if NO_KEY in str(error):
        return EngineFailed(
            f"the workers of the Spark server at {_address()} cannot hash: KLANTREIS_HASH_KEY of their environment is "
            "missing, or another one than here, and no plan tells it to them; set it where they are started (with "
            "Apache Spark spark.executorEnv.KLANTREIS_HASH_KEY, of a secret), see docs/guides/keys.md"
        )
    condition = getattr(error, "getCondition", lambda: None)()
    code = getattr(getattr(error, "getGrpcStatusCode", getattr(error, "code", lambda: None))(), "name", "")
    names = ", ".join(name for name in (type(error).__name__, condition, code) if name and name != "UNKNOWN")
    if lost(error):
        return EngineFailed(
            f"the Spark server at {_address() or 'this process'} is gone or ended the session ({names}); see that it "
            "is up and can be reached, then run again: what is done stays done"
        )
    return EngineFailed(
        f"the engine cannot do what {_asked_by(error)} asks ({names}); its words are left out, since they may hold "
        "values of rows. `klantreis check` finds expressions it does not understand; correct what they need and run "
        "again, and if the configuration is fine, report this message"
    )


def _of_engine(error: BaseException) -> bool:
    return any(kind.__module__.partition(".")[0] in ("pyspark", "grpc") for kind in type(error).__mro__)


def _asked_by(error: BaseException) -> str:
    """The last place of our own code on the way to the error."""
    places = [
        f"{frame.f_globals['__name__']} (line {line})"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals["__name__"].startswith("jobs.") and frame.f_globals["__name__"] != __name__
    ]
    return places[-1] if places else "this step"


def _address() -> str:
    """SPARK_REMOTE without its parameters, which may hold a token."""
    return os.environ.get("SPARK_REMOTE", "").partition("/;")[0]


def path_for_engine(uri: str) -> str:
    """`uri` as the engine names it: Apache Spark reaches S3 through the s3a connector of Hadoop."""
    if os.environ.get("SPARK_REMOTE") and uri.startswith("s3://"):
        return "s3a://" + uri.removeprefix("s3://")
    return uri


def _embedded_address() -> str:
    """Start the embedded engine on a free loopback port, once per process."""
    global _server
    if _server is None:
        # Its log goes to stderr, which Airflow shows as errors; it reads these variables when it starts.
        os.environ.setdefault("RUST_LOG", "error")
        # Only this process uses its session, so it lives as long as the process, whatever is set for other servers.
        os.environ["SAIL_SPARK__SESSION_TIMEOUT_SECS"] = NEVER
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            os.environ.setdefault("AWS_ENDPOINT", endpoint)
            os.environ.setdefault("AWS_ALLOW_HTTP", str(endpoint.startswith("http://")).lower())
        from pysail.spark import SparkConnectServer

        _server = SparkConnectServer("127.0.0.1", 0)
        _server.start(background=True)
    host, port = _server.listening_address
    return f"sc://{host}:{port}"


def _set(session: SparkSession, key: str, value: str) -> None:
    try:
        session.conf.set(key, value)
    except Exception as error:  # a managed cluster may lock a setting; wrong only if it differs from what is needed
        if lost(error):
            raise
        if session.conf.get(key, None) != value:
            raise RuntimeError(f"the Spark server refuses {key}={value}; set it on the server") from error
