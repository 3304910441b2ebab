"""What errors of boto3 mean, for the channels that go to AWS."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError

from jobs.activation.http_api import Answer, Meaning, by_status, code_of

logging.getLogger("botocore").setLevel(logging.INFO)  # below that it writes whole requests, with the people in them

ERRORS = (ClientError, BotoCoreError, ResponseParserError)
_NEVER_THERE = (EndpointConnectionError, ConnectTimeoutError)
_NO_KEYS = (NoCredentialsError, PartialCredentialsError)


def answer_of(error: Exception, meanings: Mapping[str, Meaning] | None = None) -> Answer:
    """What an error means: by its code, else by its status, of which what is not passing stops everything."""
    if isinstance(error, _NO_KEYS):
        return Answer("stop", type(error).__name__)
    if not isinstance(error, ClientError):
        return Answer("again", type(error).__name__, maybe=not isinstance(error, _NEVER_THERE))
    metadata = error.response.get("ResponseMetadata", {})
    status, code = metadata.get("HTTPStatusCode", 0), code_of(error.response.get("Error", {}).get("Code", ""))
    usual: Meaning = "again" if by_status(status) == "again" else "stop"
    meaning = (meanings or {}).get(code, usual)
    headers = {name.title(): value for name, value in metadata.get("HTTPHeaders", {}).items()}
    return Answer(meaning, f"{status} {code}".strip(), headers=headers, maybe=status >= 500 and meaning == "again")
