"""A real SFTP server on a free port of this machine, over a folder."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import asyncssh

LOGIN, PASSWORD = "klantreis", "geheim"


class SftpServer:
    """`host_key` is its public key; `tried` are the passwords it was shown; `cut()` ends all connections."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.tried = folder, 0, list[str]()
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self.host_key = self._key.export_public_key().decode().strip()
        self._open: set[asyncssh.SSHServerConnection] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> SftpServer:
        self._thread.start()
        self._run(self._listen())
        return self

    def cut(self) -> None:
        """Hang up on everybody, as a router that restarts does."""
        self._run(self._hang_up())

    def stop(self) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def connection(self, **other: Any) -> dict[str, Any]:
        """The Airflow connection to it."""
        known = {"host": "127.0.0.1", "port": self.port, "login": LOGIN, "password": PASSWORD}
        return {**known, "extra": {"host_key": f"127.0.0.1 {self.host_key}"}, **other}

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _listen(self) -> None:
        contract = self

        class Login(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                contract._open.add(conn)

            def begin_auth(self, username: str) -> bool:
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                contract.tried.append(password)
                return (username, password) == (LOGIN, PASSWORD)

        def files(channel: Any) -> asyncssh.SFTPServer:
            return asyncssh.SFTPServer(channel, chroot=str(self.folder))

        self._server = await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[self._key], server_factory=Login, sftp_factory=files
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _hang_up(self) -> None:
        for one in self._open:
            one.abort()
        self._open.clear()

    async def _close(self) -> None:
        await self._hang_up()
        self._server.close()
        await self._server.wait_closed()
