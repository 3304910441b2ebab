"""Google Data Manager API: membership of Customer Match lists, by the official client library over REST.

Adding is a set union and removing a set difference, so a request that may have arrived is simply sent again.
The answer to a request is only an id; what became of its members follows later, as counts per reason. When some
of a request were refused, it is halved and sent again (adding twice is harmless) until the refused ones stand
alone or `isolation_requests` is used up; what then remains mixed is reported as `partial`, with its counts.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any, cast

import requests
from google.ads import datamanager_v1 as api
from google.api_core import exceptions as google_errors
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import GoogleAuthError
from google.protobuf.json_format import ParseError
from tenacity import Retrying, retry_if_exception_type, sleep_using_event, stop_after_attempt, stop_when_event_set

from jobs.activation import stopping
from jobs.activation.awaiting import awaited
from jobs.activation.channel import ChannelDown, Operation, Outcome, State, partial_reason
from jobs.activation.channels.google_data_manager.identifiers import hashes
from jobs.activation.channels.google_data_manager.options import Options
from jobs.activation.http_api import base_url
from jobs.activation.list_channel import in_halves
from jobs.config.connections import Connection, PoliteWait, connection
from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError

log = logging.getLogger(__name__)
ENDPOINT = "https://datamanager.googleapis.com"
SCOPES = ("https://www.googleapis.com/auth/datamanager",)
MOST_MEMBERS = 10_000
_TRY_AGAIN = (
    google_errors.TooManyRequests,
    google_errors.InternalServerError,
    google_errors.BadGateway,
    google_errors.ServiceUnavailable,
    google_errors.GatewayTimeout,
    google_errors.RetryError,
    requests.ConnectionError,
    requests.Timeout,
)
_NOT_ALLOWED = (google_errors.Unauthorized, google_errors.Forbidden, google_errors.NotFound, GoogleAuthError)
_MEMBER = re.compile(r"audience_?members\[(\d+)\]", re.IGNORECASE)
_Status = api.RequestStatusPerDestination.RequestStatus


class DataManagerChannel:
    """Members of one list of one account."""

    batch_size = MOST_MEMBERS

    def __init__(self, audience: str, destination: str, settings: Settings) -> None:
        self._options = cast(Options, settings.destinations[destination].options)
        self._list_id = settings.audiences[audience].send_to[destination].list_id or ""
        self._client = _client(settings.destinations[destination].connection)
        self._isolation = self._options.isolation_requests

    def deliver(self, batch: Sequence[Operation]) -> list[Outcome]:
        """Submit a batch. Rows the API names as invalid are rejected, the others go again without them."""
        outcomes: list[Outcome] = []
        for start in range(0, len(batch), MOST_MEMBERS):
            if stopping.ASKED.is_set():
                break
            try:
                outcomes += self._submit(list(batch[start : start + MOST_MEMBERS]))
            except ChannelDown as error:
                raise ChannelDown(str(error), [*outcomes, *error.outcomes]) from error
        return outcomes

    def settle(
        self, request_ids: Sequence[str], batches: dict[str, list[Operation]], seconds: float | None = None
    ) -> list[Outcome]:
        return awaited(request_ids, batches, self._settled, self._options, seconds)

    def rehearse(self, batch: Sequence[Operation]) -> list[str]:
        """A real `validateOnly` call: the API checks everything and changes nothing."""
        problems = []
        for start in range(0, len(batch), MOST_MEMBERS):
            part = [o for o in batch[start : start + MOST_MEMBERS] if hashes(o.recipient.emails, o.recipient.phones)]
            if not part:
                continue
            try:
                self._call(part, validate_only=True)
            except google_errors.GoogleAPICallError as error:
                problems.append(f"{part[0].action} of {len(part)}: {_reason(error)}")
            except (requests.RequestException, ParseError, GoogleAuthError) as error:
                problems.append(f"{part[0].action} of {len(part)}: {type(error).__name__}")
        return problems

    def erase(self, batch: Sequence[Operation]) -> list[Outcome]:
        """Off the list, which is all the API forgets of a person."""
        return self.deliver(batch)

    def close(self) -> None:
        self._client.transport.close()

    def _submit(self, batch: list[Operation], part_of_taken: bool = False) -> list[Outcome]:
        """One request, split further only where the API refuses rows without naming them. With `part_of_taken` a
        request with these rows was taken before, but for some: what is not taken now may be there from then."""
        not_done: State = "unknown" if part_of_taken else "rejected"
        nameless = {o.operation_id for o in batch if not hashes(o.recipient.emails, o.recipient.phones)}
        outcomes = [Outcome(operation_id, "rejected", "no usable identifier") for operation_id in sorted(nameless)]
        batch = [o for o in batch if o.operation_id not in nameless]
        while batch:
            try:
                request_id = self._call(batch)
                return outcomes + [Outcome(o.operation_id, "submitted", "", request_id) for o in batch]
            except google_errors.BadRequest as error:
                named = _named_members(error)
                if not named and self._may_halve(batch):
                    return outcomes + self._halved(batch, part_of_taken)
                if not named:
                    return outcomes + [Outcome(o.operation_id, "rejected", _reason(error)) for o in batch]
                outcomes += [Outcome(batch[n].operation_id, "rejected", why) for n, why in named.items()]
                batch = [operation for n, operation in enumerate(batch) if n not in named]
            except _NOT_ALLOWED as error:
                refused = [Outcome(o.operation_id, not_done, _reason(error)) for o in batch]
                message = f"the Data Manager API answers {_reason(error)}; check credentials, account_id, list_id"
                raise ChannelDown(message, [*outcomes, *refused]) from error
            except google_errors.GoogleAPICallError as error:  # a server that failed may have done it first
                state: State = "unknown" if isinstance(error, google_errors.ServerError) else not_done
                return outcomes + [Outcome(o.operation_id, state, _reason(error)) for o in batch]
            except (requests.RequestException, ParseError) as error:
                return outcomes + [Outcome(o.operation_id, "unknown", type(error).__name__) for o in batch]
        return outcomes

    def _halved(self, batch: list[Operation], part_of_taken: bool) -> list[Outcome]:
        return in_halves(batch, lambda half: self._submit(half, part_of_taken), part_of_taken)

    def _may_halve(self, batch: list[Operation]) -> bool:
        if len(batch) == 1 or self._isolation < 2:
            return False
        self._isolation -= 2
        return True

    def _settled(self, request_id: str, batch: list[Operation]) -> list[Outcome] | None:
        """Outcomes of a finished request, `submitted` for those that are sent again to find the refused ones."""
        status = self._status(request_id)
        if status is None:
            return None
        if status.request_status == _Status.SUCCESS:
            return [Outcome(o.operation_id, "accepted", "", request_id) for o in batch]
        counts = {api.ProcessingErrorReason(c.reason).name: c.record_count for c in status.error_info.error_counts}
        reasons = ", ".join(sorted(name.removeprefix("PROCESSING_ERROR_REASON_") for name in counts)) or "FAILED"
        if status.request_status == _Status.FAILED:
            return [Outcome(o.operation_id, "rejected", reasons, request_id) for o in batch]
        if self._may_halve(batch):
            return self._halved(batch, part_of_taken=True)
        reason = partial_reason(sum(counts.values()), len(batch), reasons)
        return [Outcome(o.operation_id, "partial", reason, request_id) for o in batch]

    def _status(self, request_id: str) -> Any | None:
        """The status of a finished request; None while it is being processed or cannot be asked."""
        request = api.RetrieveRequestStatusRequest(request_id=request_id)
        try:
            answer = self._retrying()(self._client.retrieve_request_status, request, retry=None, timeout=self._timeout)
        except (google_errors.GoogleAPICallError, requests.RequestException, ParseError, GoogleAuthError) as error:
            log.warning("Status of request %s cannot be read: %s", request_id, _reason(error))
            return None
        status = answer.request_status_per_destination[0]
        finished = (_Status.SUCCESS, _Status.FAILED, _Status.PARTIAL_SUCCESS)
        return status if status.request_status in finished else None

    def _call(self, batch: Sequence[Operation], validate_only: bool = False) -> str:
        adding = batch[0].action == "add"
        request = self._request(batch, adding, validate_only)
        method: Any = self._client.ingest_audience_members if adding else self._client.remove_audience_members
        answer = self._retrying()(method, request, retry=None, timeout=self._timeout)
        return answer.request_id

    def _request(self, batch: Sequence[Operation], adding: bool, validate_only: bool) -> Any:
        """Built as plain protocol buffers: the wrapped messages take seconds for 10,000 members."""
        message_type = api.IngestAudienceMembersRequest if adding else api.RemoveAudienceMembersRequest
        request = message_type.pb(message_type())
        request.validate_only = validate_only
        request.encoding = api.Encoding.HEX
        destination = request.destinations.add(product_destination_id=self._list_id)
        account_type = api.ProductAccount.AccountType.GOOGLE_ADS
        destination.operating_account.account_id = self._options.account_id
        destination.operating_account.account_type = account_type
        if self._options.login_account_id:
            destination.login_account.account_id = self._options.login_account_id
            destination.login_account.account_type = account_type
        if adding:
            # Only people who granted consent get here: the plan and the push both check it.
            request.consent.ad_user_data = api.ConsentStatus.CONSENT_GRANTED
            request.consent.ad_personalization = api.ConsentStatus.CONSENT_GRANTED
            request.terms_of_service.customer_match_terms_of_service_status = api.TermsOfServiceStatus.ACCEPTED
        for operation in batch:
            identifiers = request.audience_members.add().user_data.user_identifiers
            for kind, value in hashes(operation.recipient.emails, operation.recipient.phones):
                identifiers.add(**{kind: value})
        return message_type.wrap(request)

    @property
    def _timeout(self) -> float:
        return self._options.timeout_seconds

    def _retrying(self) -> Retrying:
        return Retrying(
            retry=retry_if_exception_type(_TRY_AGAIN),
            wait=PoliteWait(self._options.wait_seconds, self._options.longest_wait_seconds),
            stop=stop_after_attempt(self._options.tries) | stop_when_event_set(stopping.ASKED),
            sleep=sleep_using_event(stopping.ASKED),
            reraise=True,
        )


def _named_members(error: google_errors.GoogleAPICallError) -> dict[int, str]:
    """Members of the request the API calls invalid: number to reason."""
    named = {}
    for detail in error.details:
        for violation in getattr(detail, "field_violations", ()):
            match = _MEMBER.search(violation.field)
            if match:
                named[int(match[1])] = getattr(violation, "reason", "") or "INVALID_ARGUMENT"
    return named


def _reason(error: Exception) -> str:
    """HTTP status and reason code, without the text: that could repeat values of the request."""
    if not isinstance(error, google_errors.GoogleAPICallError):
        return type(error).__name__
    return " ".join(str(part) for part in (int(error.code or 0), error.reason or type(error).__name__) if part)


def _client(name: str) -> api.IngestionServiceClient:
    server = connection(name)
    credentials = _credentials(server)
    secret = not isinstance(credentials, AnonymousCredentials)  # a sandbox needs none
    where = {"api_endpoint": base_url(server, ENDPOINT, name, secret)}
    return api.IngestionServiceClient(credentials=credentials, transport="rest", client_options=where)


def _credentials(server: Connection) -> Credentials:
    """A service account (`key_path` or `keyfile_dict` in the connection), none for a sandbox, else the default ones."""
    extra = server.extra or {}
    if str(extra.get("anonymous", "")).lower() in ("true", "1"):
        if server.host.endswith("googleapis.com") or not server.host:
            raise ConfigError(["the Data Manager connection is anonymous but points at Google; give it a key_path"])
        return AnonymousCredentials()
    import json

    from google.oauth2 import service_account

    if extra.get("key_path"):
        return service_account.Credentials.from_service_account_file(str(extra["key_path"]), scopes=SCOPES)
    if extra.get("keyfile_dict"):
        keys = extra["keyfile_dict"]
        keys = json.loads(keys) if isinstance(keys, str) else keys
        return service_account.Credentials.from_service_account_info(keys, scopes=SCOPES)
    import google.auth

    return google.auth.default(scopes=SCOPES)[0]
