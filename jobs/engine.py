"""The engine every job runs on: a Spark Connect session.

`SPARK_REMOTE=sc://host:port` selects an Apache Spark cluster. Without it an embedded engine (Sail) starts inside
this process: same protocol and API, no Java, up in about a second. Nothing outside this module knows which one runs.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)

# Settings that make both engines give the same tables. ANSI mode is how both start, and is asked for so that a
# cluster with another default cannot turn an impossible cast into a silent null.
PARITY = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
}

_server: Any = None  # the embedded server lives as long as the process; dropping the last reference stops it
_session: tuple[int, str, SparkSession] | None = None


def get_spark() -> SparkSession:
    """The session of this process, started at the first call and reused by every later one.

    A forked child gets a session of its own: a connection cannot be shared across a fork.
    """
    global _session
    remote = os.environ.get("SPARK_REMOTE", "")
    if _session and _session[:2] == (os.getpid(), remote) and not _session[2].is_stopped:
        return _session[2]
    from pyspark.sql import SparkSession

    address = remote or _embedded_address()
    session = SparkSession.builder.remote(address).create()
    for key, value in PARITY.items():
        _set(session, key, value)
    log.debug("engine session at %s", address)
    _session = (os.getpid(), remote, session)
    return session


def path_for_engine(uri: str) -> str:
    """`uri` as the engine names it: Apache Spark reaches S3 through the s3a connector of Hadoop."""
    if os.environ.get("SPARK_REMOTE") and uri.startswith("s3://"):
        return "s3a://" + uri.removeprefix("s3://")
    return uri


def _embedded_address() -> str:
    """Start the embedded engine on a free loopback port, once per process."""
    global _server
    if _server is None or _server[0] != os.getpid():
        # Its log goes to stderr, which Airflow shows as errors; it reads these variables when it starts.
        os.environ.setdefault("RUST_LOG", "error")
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            os.environ.setdefault("AWS_ENDPOINT", endpoint)
        from pysail.spark import SparkConnectServer

        server = SparkConnectServer("127.0.0.1", 0)
        server.start(background=True)
        _server = (os.getpid(), server)
    host, port = _server[1].listening_address
    return f"sc://{host}:{port}"


def _set(session: SparkSession, key: str, value: str) -> None:
    try:
        session.conf.set(key, value)
    except Exception as error:  # a managed cluster may lock a setting; wrong only if it differs from what is needed
        if session.conf.get(key, None) != value:
            raise RuntimeError(f"the Spark server refuses {key}={value}; set it on the server") from error
