"""A Spark Connect session that outlives those of its server. Used by jobs/lake/engine.py only.

Servers and proxies end a session that was not used for a while; Sail even one whose query takes longer than that. A
DataFrame is a plan that any session can run. So every request goes out under a session the server still has: one that
was idle is asked for first, one that is gone is replaced, and while a query runs its session is kept in use. What the
session is called at the server is between this module and the server: the client keeps one session all along.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import grpc
from pyspark.sql.connect import proto
from pyspark.sql.connect.client import DefaultChannelBuilder
from pyspark.sql.connect.proto.base_pb2_grpc import SparkConnectServiceStub

log = logging.getLogger(__name__)
TRUSTED = 1.0
"""Seconds after its last answer in which a session is not asked for."""
BEAT = 0.5
"""Seconds between signs of life while a query runs."""
PATIENCE = 30
"""Seconds to wait for the answer to such a sign."""
_OBSERVED = "client_observed_server_side_session_id"
_ENDING = ("/ReleaseSession", "/ReleaseExecute", "/Interrupt")
_NO_ANSWER = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class LastingChannel(DefaultChannelBuilder):
    """The connection to `address`; each session that is begun on it gets `settings`."""

    def __init__(self, address: str, settings: Mapping[str, str]) -> None:
        super().__init__(address)
        self._settings = settings

    def toChannel(self) -> grpc.Channel:  # noqa: N802
        plain = super().toChannel()
        return grpc.intercept_channel(plain, _Renewing(plain, tuple(self.metadata()), self._settings))


class _Renewing(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamUnaryClientInterceptor):
    """Puts the name of a living session into every request, and the client's own into every answer."""

    def __init__(self, channel: grpc.Channel, metadata: Iterable[Any], settings: Mapping[str, str]) -> None:
        self._stub: Any = SparkConnectServiceStub(channel)
        self._metadata, self._settings = metadata, settings
        self._lock = threading.Lock()
        self._own = self._living = self._server_side = ""
        self._user: Any = None
        self._heard = time.time()  # not a monotonic clock: that stands still while a machine sleeps

    def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        ending = details.method.endswith(_ENDING)
        addressed = self._addressed(request, ask=not ending)
        if ending:
            return self._heard_from(continuation(details, addressed))
        with self._kept_in_use():
            return self._heard_from(continuation(details, addressed))

    def intercept_unary_stream(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        return self._relayed(continuation(details, self._addressed(request)))

    def intercept_stream_unary(self, continuation: Callable[..., Any], details: Any, requests: Any) -> Any:
        return self._heard_from(continuation(details, (self._addressed(request) for request in requests)))

    def _relayed(self, answers: Any) -> Iterator[Any]:
        try:
            with self._kept_in_use():
                for answer in answers:
                    yield self._readdressed(answer)
        finally:
            answers.cancel()

    def _heard_from(self, call: Any) -> Any:
        if call.exception() is None:
            self._readdressed(call.result())
        return call

    def _addressed(self, request: Any, ask: bool = True) -> Any:
        with self._lock:
            if not self._own:
                self._own = self._living = request.session_id
                self._user = request.user_context
            elif ask and not 0 <= time.time() - self._heard <= TRUSTED:
                self._renew_if_gone()
            request.session_id = self._living
            if self._server_side and hasattr(request, _OBSERVED):
                setattr(request, _OBSERVED, self._server_side)
            elif hasattr(request, _OBSERVED):
                request.ClearField(_OBSERVED)
        return request

    def _readdressed(self, answer: Any) -> Any:
        with self._lock:
            if answer.session_id == self._living:
                self._heard = time.time()
                self._server_side = self._server_side or answer.server_side_session_id
        answer.session_id, answer.server_side_session_id = self._own, ""
        return answer

    def _renew_if_gone(self) -> None:
        try:
            self._ask()
        except grpc.RpcError as error:
            if error.code() in _NO_ANSWER:  # says nothing about the session; the client tries its request again
                return
            self._living, self._server_side = str(uuid.uuid4()), ""
            pairs = [proto.KeyValue(key=key, value=value) for key, value in self._settings.items()]
            self._config(proto.ConfigRequest.Operation(set=proto.ConfigRequest.Set(pairs=pairs, silent=True)))
            log.info("the engine ended the session while it was idle; a new one goes on")
        self._heard = time.time()

    @contextmanager
    def _kept_in_use(self) -> Iterator[None]:
        done = threading.Event()
        threading.Thread(target=self._beat, args=(done,), daemon=True).start()
        try:
            yield
        finally:
            done.set()

    def _beat(self, done: threading.Event) -> None:
        while not done.wait(BEAT):
            with suppress(grpc.RpcError, ValueError):  # ValueError: the channel was closed; the query will say so
                self._ask()

    def _ask(self) -> None:
        self._config(proto.ConfigRequest.Operation(get=proto.ConfigRequest.Get(keys=list(self._settings)[:1])))

    def _config(self, operation: Any) -> None:
        request = proto.ConfigRequest(session_id=self._living, user_context=self._user, operation=operation)
        if self._server_side:
            setattr(request, _OBSERVED, self._server_side)
        self._stub.Config(request, metadata=self._metadata, timeout=PATIENCE)
