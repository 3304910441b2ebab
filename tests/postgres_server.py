"""A local PostgreSQL server for tests: real snapshots, real passwords, a free port, stopped afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path

from tests.spark_server import free_port, stop, wait_for_port

USER, PASSWORD = "reader", "s3cret/of:the@reader"


def binaries() -> Path | None:
    """The folder with `postgres` and `initdb`, wherever Debian or the path has them."""
    found = shutil.which("initdb")
    folders = [str(Path(found).resolve().parent)] if found else []
    folders += sorted(glob("/usr/lib/postgresql/*/bin"), reverse=True)
    return next((Path(folder) for folder in folders if Path(folder, "postgres").exists()), None)


def why_not() -> str | None:
    """Why PostgreSQL cannot run here, and how to change that; None if it can."""
    return None if binaries() else "PostgreSQL is missing: `apt-get install postgresql`"


@contextmanager
def postgres_server(timeout: float = 600) -> Iterator[str]:
    """Run the server; yields the address of its database `shop` for its owner."""
    folder, account = binaries(), _account()
    assert folder is not None, why_not()
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as temporary:
        data, password = Path(temporary, "data"), Path(temporary, "password")
        password.write_text(PASSWORD)
        for path in (temporary, password):
            shutil.chown(path, account)
        initdb = [
            folder / "initdb",
            "-D",
            data,
            "-U",
            USER,
            f"--pwfile={password}",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
        ]
        subprocess.run([*initdb, "--no-sync", "--locale=C"], user=account, check=True, capture_output=True, cwd="/")
        port, log = free_port(), Path(temporary, "server.log")
        options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with log.open("wb") as output:
            server = subprocess.Popen(
                [folder / "postgres", "-D", data, *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                user=account,
                cwd="/",
                start_new_session=True,
            )
            try:
                wait_for_port(server, port, timeout, log)
                yield _with_database(port)
            finally:
                server.send_signal(signal.SIGINT)  # fast: does not wait for clients, as SIGTERM would
                stop(server)


def _with_database(port: int) -> str:
    import psycopg
    from tenacity import retry, stop_after_delay, wait_fixed

    @retry(stop=stop_after_delay(30), wait=wait_fixed(0.1), reraise=True)
    def create() -> None:
        with psycopg.connect(
            host="127.0.0.1", port=port, user=USER, password=PASSWORD, dbname="postgres", autocommit=True
        ) as link:
            link.execute("create database shop")

    create()
    return f"host=127.0.0.1 port={port} user={USER} password='{PASSWORD}' dbname=shop"


def _account() -> int:
    """The server refuses to run as root."""
    if os.getuid() != 0:
        return os.getuid()
    names = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return names.get("postgres", names["nobody"])
