"""A Sail server of its own as the remote engine: it ends a session that is not used for some seconds, as servers do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from pyspark.sql.connect import proto
from pyspark.sql.connect.proto.base_pb2_grpc import SparkConnectServiceStub

from tests.spark_server import free_port, stop, wait_for_port


@contextmanager
def sail_server(folder: Path, session_seconds: int, timeout: float = 600) -> Iterator[str]:
    """Run the server; yields the address for SPARK_REMOTE. See tests/spark_server.py for how to leave it."""
    folder.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), folder / "sail.log"
    environment = {**os.environ, "SAIL_SPARK__SESSION_TIMEOUT_SECS": str(session_seconds), "RUST_LOG": "error"}
    environment.pop("SPARK_REMOTE", None)
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "pysail", "spark", "server", "--port", str(port)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        try:
            wait_for_port(server, port, timeout, log)
            yield f"sc://127.0.0.1:{port}"
        finally:
            stop(server)


def wait_until_sessions_end(address: str, session_seconds: int) -> None:
    """Return when a session that was begun now and not used since is gone, and so every one that was idle longer."""
    with grpc.insecure_channel(address.removeprefix("sc://")) as channel:
        config = SparkConnectServiceStub(channel).Config
        get = proto.ConfigRequest.Operation(get=proto.ConfigRequest.Get(keys=["spark.sql.session.timeZone"]))
        request = proto.ConfigRequest(session_id=str(uuid.uuid4()), operation=get)
        config(request)
        while True:
            time.sleep(session_seconds * 1.2)  # asking sooner would keep it in use
            try:
                config(request)
            except grpc.RpcError:
                return
