"""An HTTP server that follows the published contract of the Data Manager API v1 for audience members.

`POST /v1/audienceMembers:ingest`, `:remove`, `:removeAll` and `GET /v1/requestStatus:retrieve`. Members are kept
as hashes only, in `DIR/members.jsonl`: one line per change that took effect, written before the answer, so it is
the truth about what a list holds, also after a restart. `DIR/requests.jsonl` has one line per call.

Faults for tests come from `DIR/faults.json`, read for every call: a list of
`{"on": "ingest|remove|status", "times": k, "do": "status", "code": 429, "retry_after": 1}` (answer with an error),
`{"do": "reset"}` (close the connection before anything happens), `{"do": "drop_answer"}` (apply, then close),
`{"do": "refuse", "hashes": [...]}` (process asynchronously, refuse these members) and `{"do": "fail"}` (refuse all).
`times` counts calls per entry; without it the fault stays.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter, deque
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.ads import datamanager_v1 as api

from examples.sandboxes import data_manager_contract as contract
from examples.sandboxes.data_manager_contract import Refusal

PER_MINUTE = 300
_CALLS = {
    "/v1/audienceMembers:ingest": ("ingest", api.IngestAudienceMembersRequest),
    "/v1/audienceMembers:remove": ("remove", api.RemoveAudienceMembersRequest),
    "/v1/audienceMembers:removeAll": ("removeAll", api.RemoveAllAudienceMembersRequest),
}
_FAULT_STATUS = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class DataManagerSandbox:
    """The server. `processing_seconds` is how long a request stays in status PROCESSING."""

    def __init__(
        self,
        folder: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        processing_seconds: float = 0.2,
        per_minute: int = PER_MINUTE,
    ) -> None:
        self.store = Store(folder, processing_seconds, per_minute)
        handler = type("Handler", (_Handler,), {"store": self.store})
        self._server = ThreadingHTTPServer((host, port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> DataManagerSandbox:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return self._server.server_address[1]


class Store:
    """What the server knows: the lists, the requests and the planned faults."""

    def __init__(self, folder: Path, processing_seconds: float, per_minute: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._processing_seconds = processing_seconds
        self._per_minute = per_minute
        self._lock = threading.Lock()
        self._requests: dict[str, tuple[float, dict[str, Any]]] = {}
        self._fired: Counter[int] = Counter()
        self._recent: dict[str, deque[float]] = {"mutate": deque(), "read": deque()}

    def fault(self, call: str) -> dict[str, Any]:
        """The planned fault for this call, if any; firing it uses it up."""
        path = self.folder / "faults.json"
        if not path.exists():
            return {}
        with self._lock:
            for number, fault in enumerate(json.loads(path.read_text())):
                if fault["on"] == call and self._fired[number] < fault.get("times", 1 << 30):
                    self._fired[number] += 1
                    return fault
        return {}

    def use_quota(self, kind: str) -> None:
        """Count a call against the quota per minute; raise Refusal 429 beyond it."""
        now = time.monotonic()
        with self._lock:
            recent = self._recent[kind]
            while recent and recent[0] < now - 60:
                recent.popleft()
            if len(recent) >= self._per_minute:
                raise exhausted(kind)
            recent.append(now)

    def apply(self, call: str, request: Any, fault: dict[str, Any]) -> str:
        """Carry a valid request out and return its id."""
        request_id = uuid.uuid4().hex
        refused_hashes = set(fault.get("hashes", ())) if fault.get("do") == "refuse" else set()
        statuses = []
        for destination in request.destinations:
            if call == "removeAll":
                self._record("removeAll", destination, [])
                statuses.append({"requestStatus": "SUCCESS", "removeAllAudienceMembersStatus": {}})
                continue
            members = [m for m in request.audience_members if _is_for(m, destination)]
            taken: list[list[str]] = []
            errors: Counter[str] = Counter()
            for member in members:
                hashes = contract.identifiers(member, request.encoding)
                reason = contract.refused_by_consent(member, request.consent) if call == "ingest" else None
                if fault.get("do") == "fail" or hashes & refused_hashes:
                    reason = "PROCESSING_ERROR_REASON_INVALID_FORMAT"
                if reason:
                    errors[reason] += 1
                else:
                    taken.append(sorted(hashes))
            self._record(call, destination, taken)
            statuses.append(_status(call, members, errors))
        for destination, status in zip(request.destinations, statuses, strict=True):
            status["destination"] = {"productDestinationId": destination.product_destination_id}
        self._requests[request_id] = (time.monotonic() + self._processing_seconds, {"statuses": statuses})
        return request_id

    def status(self, request_id: str) -> list[dict[str, Any]]:
        if request_id not in self._requests:
            violation = contract.Violation("request_id", "INVALID_REQUEST_ID", "The request ID is not valid.")
            raise contract.invalid([violation])
        ready, known = self._requests[request_id]
        if time.monotonic() < ready:
            return [{"destination": s["destination"], "requestStatus": "PROCESSING"} for s in known["statuses"]]
        return known["statuses"]

    def log(self, call: str, http_status: int, members: int) -> None:
        with self._lock, (self.folder / "requests.jsonl").open("a") as log:
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            log.write(json.dumps({"at": at, "call": call, "status": http_status, "members": members}) + "\n")

    def _record(self, call: str, destination: Any, members: list[list[str]]) -> None:
        target = f"{destination.operating_account.account_id}/{destination.product_destination_id}"
        with self._lock, (self.folder / "members.jsonl").open("a") as log:
            if call == "removeAll":
                log.write(json.dumps({"list": target, "call": call}) + "\n")
            for hashes in members:
                log.write(json.dumps({"list": target, "call": call, "hashes": hashes}) + "\n")


def exhausted(kind: str, retry_after: float | None = None) -> Refusal:
    limit = f"Ingestion{'Read' if kind == 'read' else 'Mutate'}RequestsPerMinutePerProject"
    metadata = {"quota_limit": limit, "service": "datamanager.googleapis.com"}
    message = f"Quota exceeded for quota metric '{limit}'."
    return Refusal(429, "RESOURCE_EXHAUSTED", message, metadata=metadata, retry_after=retry_after)


def list_members(folder: Path) -> dict[str, set[str]]:
    """The hashes each list holds now, by `account/list`, from what the server wrote down."""
    lists: dict[str, set[str]] = {}
    path = folder / "members.jsonl"
    for line in path.read_text().splitlines() if path.exists() else []:
        change = json.loads(line)
        held = lists.setdefault(change["list"], set())
        if change["call"] == "ingest":
            held.update(change["hashes"])
        elif change["call"] == "remove":
            held.difference_update(change["hashes"])
        else:
            held.clear()
    return lists


def calls(folder: Path) -> list[dict[str, Any]]:
    """One entry per call the server got, in order."""
    path = folder / "requests.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _is_for(member: Any, destination: Any) -> bool:
    return not member.destination_references or destination.reference in member.destination_references


def _status(call: str, members: list[Any], errors: Counter[str]) -> dict[str, Any]:
    refused = sum(errors.values())
    outcome = "SUCCESS" if not refused else "FAILED" if refused == len(members) else "PARTIAL_SUCCESS"
    counts: dict[str, Any] = {
        "recordCount": str(len(members)),
        "userIdentifierCount": str(sum(len(m.user_data.user_identifiers) for m in members)),
    }
    status: dict[str, Any] = {"requestStatus": outcome}
    if call == "ingest":
        counts["uploadMatchRateRange"] = "MATCH_RATE_RANGE_NOT_ELIGIBLE"
        status["audienceMembersIngestionStatus"] = {"userDataIngestionStatus": counts}
    else:
        status["audienceMembersRemovalStatus"] = {"userDataRemovalStatus": counts}
    if errors:
        listed = [{"reason": reason, "recordCount": str(count)} for reason, count in sorted(errors.items())]
        status["errorInfo"] = {"errorCounts": listed}
    return status


class _Handler(BaseHTTPRequestHandler):
    store: Store
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        if path not in _CALLS:
            self._answer("unknown", 404, Refusal(404, "NOT_FOUND", f"Method not found: {path}").body(""))
            return
        call, message_type = _CALLS[path]
        fault = self.store.fault(call)
        members = 0
        try:
            if fault.get("do") == "reset":
                self.store.log(call, 0, 0)
                self.close_connection = True
                self.connection.close()
                return
            self._planned_error(fault)
            self.store.use_quota("mutate")
            request = contract.parse(message_type, body)
            if call != "removeAll":
                contract.check(request)
                members = len(request.audience_members)
            answer = {"requestId": uuid.uuid4().hex}
            if not request.validate_only:
                answer = {"requestId": self.store.apply(call, request, fault)}
        except Refusal as refusal:
            self._refuse(call, refusal)
            return
        if fault.get("do") == "drop_answer":
            self.store.log(call, 0, members)
            self.close_connection = True
            self.connection.close()
            return
        self._answer("validate" if request.validate_only else call, 200, answer, members=members)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path != "/v1/requestStatus:retrieve":
            self._answer("unknown", 404, Refusal(404, "NOT_FOUND", f"Method not found: {parts.path}").body(""))
            return
        try:
            self._planned_error(self.store.fault("status"))
            self.store.use_quota("read")
            request_id = parse_qs(parts.query).get("requestId", [""])[0]
            statuses = self.store.status(request_id)
        except Refusal as refusal:
            self._refuse("status", refusal)
            return
        self._answer("status", 200, {"requestStatusPerDestination": statuses})

    def _planned_error(self, fault: dict[str, Any]) -> None:
        if fault.get("do") != "status":
            return
        if fault["code"] == 429:
            raise exhausted("mutate", fault.get("retry_after"))
        message = f"planned fault {fault['code']}"
        raise Refusal(
            fault["code"], _FAULT_STATUS.get(fault["code"], "UNKNOWN"), message, retry_after=fault.get("retry_after")
        )

    def _refuse(self, call: str, refusal: Refusal) -> None:
        headers = {"Retry-After": f"{refusal.retry_after:g}"} if refusal.retry_after is not None else {}
        self._answer(call, refusal.http_status, refusal.body(uuid.uuid4().hex), headers)

    def _answer(
        self, call: str, code: int, body: dict[str, Any], headers: dict[str, str] | None = None, members: int = 0
    ) -> None:
        self.store.log(call, code, members)
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Calls are in requests.jsonl; the terminal stays quiet."""


SANDBOX = DataManagerSandbox
