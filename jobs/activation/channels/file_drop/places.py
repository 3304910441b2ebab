"""Places files are dropped: a folder, where a file appears whole or not at all, and a bucket of S3. SFTP: `sftp.py`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from botocore.parsers import ResponseParserError

from jobs.activation import aws
from jobs.activation.aws import answer_of
from jobs.activation.http_api import Answer
from jobs.config.connections import Connection
from jobs.ingest.landing.places import s3_client


class Failed(OSError):
    """An error of which the place says itself what it means."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.code)
        self.answer = answer


class Drop(Protocol):
    """Files by name; errors are raised as the system or boto3 has them, or as Failed."""

    def put(self, name: str, content: bytes) -> None: ...

    def get(self, name: str) -> bytes: ...

    def delete(self, name: str) -> None: ...

    def names(self, folder: str) -> Iterator[str]: ...

    def close(self) -> None: ...


class Folder:
    """A folder of this machine, or one that is mounted."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)

    def put(self, name: str, content: bytes) -> None:
        path = self._root / name
        path.parent.mkdir(exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    def get(self, name: str) -> bytes:
        return (self._root / name).read_bytes()

    def delete(self, name: str) -> None:
        (self._root / name).unlink(missing_ok=True)

    def names(self, folder: str) -> Iterator[str]:
        if not os.access(self._root, os.W_OK):
            raise FileNotFoundError("no folder that may be written to")
        yield from (f"{folder}/{path.name}" for path in sorted((self._root / folder).glob("[!.]*")))

    def close(self) -> None:
        """Nothing is held open."""


class Bucket:
    """A prefix of a bucket."""

    def __init__(self, uri: str, login: Connection, tries: int, timeout_seconds: float) -> None:
        self._bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._client = s3_client(login, tries, timeout_seconds)

    def put(self, name: str, content: bytes) -> None:
        answer = self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content)
        if not answer.get("ETag"):
            raise ResponseParserError("the answer has no ETag")

    def get(self, name: str) -> bytes:
        content: bytes = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"].read()
        return content

    def delete(self, name: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def names(self, folder: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=f"{self._prefix}{folder}/"):
            yield from (found["Key"].removeprefix(self._prefix) for found in page.get("Contents", ()))

    def close(self) -> None:
        """Nothing is held open."""


def failed(error: Exception) -> Answer:
    """What an error means: a place has tried again by itself before it gives one."""
    if isinstance(error, Failed):
        return error.answer
    return answer_of(error) if isinstance(error, aws.ERRORS) else Answer("stop", type(error).__name__)


ERRORS = (*aws.ERRORS, OSError)
