"""A local Apache Spark Connect server for tests: real Spark, bounded memory, a free port, stopped afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark

from tests.demo_company import HASH_KEY

SETTINGS = {
    "spark.sql.shuffle.partitions": "4",
    "spark.default.parallelism": "2",
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.adaptive.coalescePartitions.initialPartitionNum": "4",
    # What a server remembers of finished queries for its page, which nobody looks at here: by default 1,000 plans as
    # text, which fills a small heap long before the day is over.
    "spark.sql.ui.retainedExecutions": "5",
    "spark.ui.retainedJobs": "20",
    "spark.ui.retainedStages": "20",
    "spark.ui.retainedTasks": "200",
    "spark.sql.maxPlanStringLength": "5000",
}

INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
"""Settings for many small queries: to write and compile a Java program for each, and to plan it anew while it runs,
takes a third of the time and pays only where there are many rows. The values are the same."""

WORKERS = {"KLANTREIS_PREVIOUS_KEYS": f"{HASH_KEY} test-key k benchmark"}
"""What its workers hash under beside the key of whoever starts it: the keys of the companies that are made here."""

SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -Xms1g"
"""Options of Java for a server of many small queries: it ends before optimising its code would pay."""


def why_not() -> str | None:
    """Why Apache Spark cannot run here, and how to change that; None if it can."""
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        return "Apache Spark needs Java 17: `apt-get install openjdk-17-jre-headless`, or set JAVA_HOME"
    return None


@contextmanager
def spark_server(
    folder: Path | None = None, heap: str = "3g", cores: int = 2, short_lived: bool = False, timeout: float = 600
) -> Iterator[str]:
    """Run the server; yields the address for SPARK_REMOTE. A short-lived one is for many small queries of tests.

    Its log and scratch files are in `folder`, by default a temporary one. A process that used the server should call
    `jobs.lake.engine.stop_spark` before the server ends, or its own end waits for the lost server.
    """
    if reason := why_not():
        raise RuntimeError(reason)
    with tempfile.TemporaryDirectory(prefix="spark-", ignore_cleanup_errors=True) as temporary:
        yield from _serve(folder or Path(temporary), heap, cores, short_lived, timeout)


def _serve(folder: Path, heap: str, cores: int, short_lived: bool, timeout: float) -> Iterator[str]:
    folder.mkdir(parents=True, exist_ok=True)
    port, home = free_port(), Path(pyspark.__file__).parent
    settings = (
        SETTINGS
        | (INTERPRETED if short_lived else {})
        | {
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(port),
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": str(folder / "scratch"),
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.driver.extraJavaOptions": SHORT_LIVED if short_lived else "",
        }
    )
    command = [
        str(home / "bin" / "spark-submit"),
        *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
        *("--master", f"local[{cores}]", "--driver-memory", heap),
        *(part for key, value in settings.items() for part in ("--conf", f"{key}={value}")),
        "spark-internal",
    ]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_"))}
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment | WORKERS | {"SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable},
            start_new_session=True,
        )
        try:
            wait_for_port(server, port, timeout, log)
            yield f"sc://127.0.0.1:{port}"
        finally:
            stop(server)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(process: subprocess.Popen[bytes], port: int, timeout: float, log: Path) -> None:
    """Return once something listens on `port`; fail with the end of the log if the process ends or time runs out."""
    end = time.monotonic() + timeout
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{process.args[0]} is not up on port {port}:\n{log.read_text(errors='replace')[-2000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it started: politely, then for certain."""
    for how, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, 10)):
        try:
            os.killpg(process.pid, how)
            process.wait(patience)
            return
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
