"""The Data Manager API as its sandbox follows it, with the faults of the contract test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from examples.sandboxes import data_manager
from tests.servers import base
from tests.servers.base import ContractServer, sha256

LIST = "1234567890/900"
_DO = {base.RESET: {"do": "reset"}, base.LOST: {"do": "drop_answer"}}


class DataManager(ContractServer):
    TO = {"list_id": "900"}
    OPTIONS = {"account_id": "1234567890", "status_wait_seconds": 0.02, "timeout_seconds": 60}
    AFTER = {name: state for name, state in ContractServer.AFTER.items() if name not in (base.SLOW, base.GARBLED)}
    MOST = 10_000
    SECRET = False
    SPELLED = [
        (("A.b+Tag@GMAIL.com",), (), {sha256("ab@gmail.com")}),
        ((" Jan.Jansen+x@Example.COM ",), (), {sha256("jan.jansen+x@example.com")}),
        ((), ("+18005550100",), {sha256("+18005550100")}),
    ]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.sandbox = data_manager.DataManagerSandbox(folder, processing_seconds=0.01)
        self.port = self.sandbox.port
        self._planned: list[dict[str, Any]] = []

    def start(self) -> DataManager:
        self.sandbox.start()
        return self

    def stop(self) -> None:
        self.sandbox.stop()

    def connection(self) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self.port, "schema": "http", "extra": {"anonymous": True}}

    def key(self, email: str, phone: str) -> set[str]:
        return {sha256(email), sha256(phone)}

    def held(self) -> set[str]:
        return data_manager.list_members(self.folder).get(LIST, set())

    def fail(self, fault: str, times: int = 1) -> None:
        do = _DO.get(fault) or {"do": "status", "code": int(fault.split()[0])}
        if fault == base.BUSY_UNTIL:
            do["retry_after"] = 0.2  # type: ignore[assignment]
        self._plan({"on": "ingest", "times": times, **do}, {"on": "remove", "times": times, **do})

    def expire(self) -> None:
        self._planned.insert(0, {"on": "ingest", "do": "status", "code": 401})
        self._plan()

    def refuse(self, email: str, phone: str) -> None:
        super().refuse(email, phone)
        self._plan({"on": "ingest", "do": "refuse", "hashes": sorted(self.refused)})

    def lose(self) -> None:
        self._plan({"on": "ingest", "do": "status", "code": 404})

    def requests(self) -> list[tuple[str, int]]:
        return [(call["call"], call["members"]) for call in data_manager.calls(self.folder) if call["call"] != "status"]

    def _plan(self, *faults: dict[str, Any]) -> None:
        self._planned += faults
        (self.folder / "faults.json").write_text(json.dumps(self._planned))


SERVER = DataManager
