"""A folder on an SFTP server: a file appears whole or not at all, and only a server that is known gets any."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import TypeVar

import asyncssh

from jobs.activation.channels.file_drop.places import Failed
from jobs.activation.http_api import Answer
from jobs.config.connections import Connection
from jobs.config.yaml_files import ConfigError

asyncssh.set_log_level("WARNING")  # below that it names logins and files
Result = TypeVar("Result")
_FOR_GOOD = (
    *(asyncssh.PermissionDenied, asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed),
    *(asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect),
)
"""Errors that another try does not change: the login, the key of the server, a folder that is not there."""


class Sftp:
    """A folder of the login, or one by its whole path (`sftp:///data/in`). A connection that broke is made anew."""

    def __init__(self, uri: str, login: Connection, name: str, tries: int, timeout_seconds: float) -> None:
        """Raises ConfigError for a connection without the key of the server, or with keys that are none."""
        self._root = uri.removeprefix("sftp://").rstrip("/") or "."
        self._login, self._tries, self._seconds = login, tries, timeout_seconds
        extra = login.extra or {}
        try:
            told = [line.strip() for line in str(extra.get("host_key") or "").splitlines() if line.strip()]
            self._hosts = [asyncssh.import_public_key(_bare(line)) for line in told]
            private = extra.get("private_key")
            phrase = extra.get("private_key_passphrase")
            self._keys = [asyncssh.import_private_key(str(private), phrase)] if private else []
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise ConfigError([f"connection {name!r}: host_key or private_key of `extra` is no key: {error}"]) from None
        lacks = {
            "host": login.host,
            "login": login.login,
            "host_key in `extra`, as `ssh-keyscan` prints it": self._hosts,
        }
        if missing := [what for what, told in lacks.items() if not told]:
            raise ConfigError([f"connection {name!r}: an SFTP server needs {missing[0]}"])
        self._loop = asyncio.new_event_loop()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None

    def put(self, name: str, content: bytes) -> None:
        """Written beside its name, then renamed: whoever looks meanwhile sees nothing, or all of it."""
        path = f"{self._root}/{name}"
        folder, _, last = path.rpartition("/")
        part = f"{folder}/.{last}.part"

        async def work(client: asyncssh.SFTPClient) -> None:
            if not await client.exists(folder):
                await client.mkdir(folder)
            async with client.open(part, "wb") as file:
                await file.write(content)
                await _on_disk(file)
            await _renamed(client, part, path)

        self._do(work)

    def get(self, name: str) -> bytes:
        async def work(client: asyncssh.SFTPClient) -> bytes:
            async with client.open(f"{self._root}/{name}", "rb") as file:
                found: bytes = await file.read()
                return found

        return self._do(work)

    def delete(self, name: str) -> None:
        async def work(client: asyncssh.SFTPClient) -> None:
            if await client.exists(f"{self._root}/{name}"):
                await client.remove(f"{self._root}/{name}")

        self._do(work)

    def names(self, folder: str) -> Iterator[str]:
        async def work(client: asyncssh.SFTPClient) -> list[str]:
            await client.stat(self._root)  # a list without files is fine, a place that is not there is not
            if not await client.exists(f"{self._root}/{folder}"):
                return []
            return sorted(str(name) for name in await client.listdir(f"{self._root}/{folder}"))

        yield from (f"{folder}/{name}" for name in self._do(work) if not name.startswith("."))

    def close(self) -> None:
        """End the connection."""
        if not self._loop.is_closed():
            self._loop.run_until_complete(self._hang_up())
            self._loop.close()

    def _do(self, work: Callable[[asyncssh.SFTPClient], Awaitable[Result]]) -> Result:
        """What comes of the work, tried again on a new connection if this one broke. Raises Failed."""
        for tried in range(1, self._tries + 1):
            try:
                return self._loop.run_until_complete(asyncio.wait_for(self._connected(work), self._seconds))
            except (asyncssh.Error, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                self._loop.run_until_complete(self._hang_up())
                if isinstance(error, _FOR_GOOD):
                    raise Failed(Answer("stop", type(error).__name__)) from error
                if tried == self._tries:
                    raise Failed(Answer("again", type(error).__name__, maybe=True)) from error
                self._loop.run_until_complete(asyncio.sleep(min(0.1 * 2**tried, 10)))
        raise AssertionError("tries is at least 1")

    async def _connected(self, work: Callable[[asyncssh.SFTPClient], Awaitable[Result]]) -> Result:
        if self._client is None:
            self._connection = await asyncssh.connect(
                self._login.host,
                self._login.port or 22,
                username=self._login.login,
                password=self._login.password or None,
                client_keys=self._keys or None,
                known_hosts=(self._hosts, [], []),
                agent_path=None,
                config=None,
                keepalive_interval=15,
            )
            self._client = await self._connection.start_sftp_client()
        return await work(self._client)

    async def _hang_up(self) -> None:
        connection, self._client, self._connection = self._connection, None, None
        if connection is not None:
            connection.abort()
            await connection.wait_closed()


def _bare(line: str) -> str:
    """A key without the host in front of it, as `ssh-keyscan` and known_hosts have it."""
    words = line.split()
    first = next((n for n, word in enumerate(words) if word.startswith(("ssh-", "ecdsa-", "sk-"))), 0)
    return " ".join(words[first : first + 2])


async def _on_disk(file: asyncssh.SFTPClientFile) -> None:
    with suppress(asyncssh.SFTPOpUnsupported):  # then the server keeps what it took by itself, or not at all
        await file.fsync()


async def _renamed(client: asyncssh.SFTPClient, part: str, path: str) -> None:
    try:
        await client.posix_rename(part, path)
    except asyncssh.SFTPOpUnsupported:
        if await client.exists(path):
            await client.remove(path)
        await client.rename(part, path)
