"""Where files land: a local folder or an S3 bucket. A place lists its files, opens one and takes a new one in."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from jobs.config.connections import Connection, connection
from jobs.config.yaml_files import ConfigError
from jobs.errors import StepFailed
from jobs.plain_text import harmless, unwritable

log = logging.getLogger(__name__)
AT_REST = 2_000_000_000
"""Nanoseconds after which a change of a file surely has another moment: file systems count in steps up to this."""


_LIKE_A_FILE = re.compile(r"\.(csv|tsv|txt|json|jsonl|ndjson|xlsx|avro|gz|zst|zip)$", re.IGNORECASE)
"""Folders that somebody may have meant as a file; a Parquet data set is a folder as it should be."""
KEYS_LAST = 300
"""Seconds after which the keys of a connection are read anew: temporary ones last a quarter of an hour or more."""


class Changed(Exception):
    """The file is not what the listing told: it was written to, replaced or removed since."""


class Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Found:
    """A file as a listing tells it. `path` is below the place.

    `version` names this very content, an ETag or a moment; None if the place cannot tell a later change by it.
    """

    path: str
    size: int
    modified: datetime
    version: str | None


class Place(Protocol):
    """One folder of files. `uri` is how messages name it."""

    uri: str

    def listing(self, may_be_empty: bool = False) -> list[Found]:
        """Every file below the place. Raises StepFailed if the place is not there or may not be read."""

    def open(self, file: Found) -> contextlib.AbstractContextManager[Stream]:
        """The file from its start. Raises Changed, at the end at the latest, if it is no longer as it was listed."""

    def put(self, path: str, content: Path) -> None:
        """Land a file: it is there whole or not at all."""

    def rename(self, path: str, new: str) -> None:
        """Give a file its final name; one of that name is replaced."""

    def remove(self, path: str) -> None:
        """Remove a file if it is there."""


class Folder:
    """A folder of this machine."""

    def __init__(self, path: str, hint: str):
        self.uri, self._hint = path, hint

    def listing(self, may_be_empty: bool = False) -> list[Found]:
        if not os.path.isdir(self.uri):
            if may_be_empty:
                return []
            raise StepFailed(f"the landing folder {self.uri} does not exist; {self._hint}")
        found: list[Found] = []
        self._collect(self.uri, len(self.uri.rstrip("/")) + 1, found, ())
        return found

    @contextmanager
    def open(self, file: Found) -> Iterator[Stream]:
        place = f"{self.uri}/{file.path}"
        try:
            with open(place, "rb") as stream:
                yield stream
                for status in (os.fstat(stream.fileno()), os.stat(place)):
                    if (status.st_size, _modified(status)) != (file.size, file.modified):
                        raise Changed
        except FileNotFoundError:
            raise Changed from None
        except PermissionError:
            raise StepFailed(f"{place}: not allowed to read this file; give the user of this run access") from None

    def put(self, path: str, content: Path) -> None:
        target = Path(self.uri, path)
        draft = target.with_name(f".{target.name}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(content, draft)
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        draft.replace(target)

    def rename(self, path: str, new: str) -> None:
        Path(self.uri, path).replace(Path(self.uri, new))

    def remove(self, path: str) -> None:
        Path(self.uri, path).unlink(missing_ok=True)

    def _collect(self, folder: str, start: int, found: list[Found], above: tuple[str, ...]) -> None:
        """Links are followed to what is below the place itself: whoever may land a file there must not choose what is
        read elsewhere. Links to a folder it is already in would never end."""
        real = os.path.realpath(folder)
        if real in above:
            return
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if reason := self._why_not(entry):
                        log.warning("%s is not read: it %s", harmless(entry.path), reason)
                    elif entry.is_dir():
                        if _LIKE_A_FILE.search(entry.name):
                            log.warning("%s is a folder: each file in it is a file of its own", harmless(entry.path))
                        self._collect(entry.path, start, found, (*above, real))
                    elif entry.is_file():
                        status = entry.stat()
                        at_rest = time.time_ns() - status.st_mtime_ns > AT_REST
                        version = str(status.st_mtime_ns) if at_rest else None
                        found.append(Found(entry.path[start:], status.st_size, _modified(status), version))
        except PermissionError as error:
            raise StepFailed(
                f"{error.filename}: not allowed to list this folder; give the user of this run access"
            ) from None
        except FileNotFoundError:
            if not above:
                raise StepFailed(f"{folder} was removed while it was listed; run again") from None

    def _why_not(self, entry: os.DirEntry[str]) -> str | None:
        """Why an entry of a folder is nothing to read; None if it is."""
        if any(unwritable(sign) for sign in entry.name):
            return "has a name with signs that cannot be shown; rename it"
        if entry.is_symlink():
            target = os.path.realpath(entry.path)
            if not os.path.exists(target):
                return "is a link to nothing; land the file itself"
            if os.path.commonpath([target, os.path.realpath(self.uri)]) != os.path.realpath(self.uri):
                return "is a link to outside of the landing folder; land the file itself"
        return None if entry.is_dir() or entry.is_file() else "is neither a file nor a folder"


class Bucket:
    """A prefix of an S3 bucket: keys below it are the files."""

    def __init__(self, uri: str, name: str, hint: str):
        """`name` is the connection with the keys; empty: the standard AWS environment."""
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        self._bucket, self._prefix = bucket, prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._name, self._opened, self._made = name, 0.0, None
        _ = self._client  # a connection that is missing is said at once
        self._login = f"connection {name!r}" if name else "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        self.uri, self._hint = uri.rstrip("/"), hint

    @property
    def _client(self) -> Any:
        """A client with keys that are valid now: a pull may last longer than those it began with."""
        if self._made is None or time.monotonic() - self._opened > KEYS_LAST:
            self._made = s3_client(connection(self._name) if self._name else Connection())
            self._opened = time.monotonic()
        return self._made

    def listing(self, may_be_empty: bool = False) -> list[Found]:
        with self._failing():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            objects = [entry for page in pages for entry in page.get("Contents", [])]
        if self._prefix and not objects and not may_be_empty:
            raise StepFailed(f"{self.uri}: nothing has this prefix; {self._hint}")
        return [
            Found(entry["Key"][len(self._prefix) :], entry["Size"], entry["LastModified"], entry["ETag"].strip('"'))
            for entry in objects
            if not entry["Key"].endswith("/")
        ]

    @contextmanager
    def open(self, file: Found) -> Iterator[Stream]:
        from botocore.exceptions import ClientError

        with self._failing():
            try:
                answer = self._client.get_object(
                    Bucket=self._bucket, Key=self._prefix + file.path, IfMatch=f'"{file.version}"'
                )
            except ClientError as error:
                if error.response["Error"]["Code"] in ("PreconditionFailed", "412", "NoSuchKey", "404"):
                    raise Changed from None
                raise
            with contextlib.closing(answer["Body"]) as body:
                yield body

    def put(self, path: str, content: Path) -> None:
        with self._failing():
            self._client.upload_file(str(content), self._bucket, self._prefix + path)

    def rename(self, path: str, new: str) -> None:
        with self._failing():
            source = {"Bucket": self._bucket, "Key": self._prefix + path}
            self._client.copy(source, self._bucket, self._prefix + new)
        self.remove(path)

    def remove(self, path: str) -> None:
        with self._failing():
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + path)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Turns every error of the server or the network into one message; none of them holds the secret."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        try:
            yield
        except NoCredentialsError:
            raise StepFailed(f"{self.uri}: no keys for S3; set {self._login}") from None
        except ClientError as error:
            raise StepFailed(f"{self.uri}: {self._meaning(error.response.get('Error', {}).get('Code', ''))}") from None
        except (BotoCoreError, Boto3Error) as error:
            if isinstance(error.__context__, ClientError):  # an upload wraps what the server answered
                code = error.__context__.response.get("Error", {}).get("Code", "")
                raise StepFailed(f"{self.uri}: {self._meaning(code)}") from None
            raise StepFailed(
                f"{self.uri}: the S3 server cannot be reached or broke off ({type(error).__name__}); "
                "check endpoint_url and the network, then run again"
            ) from None

    def _meaning(self, code: str) -> str:
        if code in ("SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthorizationHeaderMalformed", "ExpiredToken"):
            return f"the S3 server refuses the keys ({code}); correct {self._login}"
        if code in ("AccessDenied", "403"):
            return f"the keys of {self._login} may not read it (AccessDenied); correct them or grant list and read"
        if code == "NoSuchBucket":
            return f"there is no bucket {self._bucket!r}; create it or correct the name"
        return f"the S3 server answered {code or 'an error'}; check the bucket, the region and {self._login}"


def place_of(uri: str, name: str, hint: str) -> Place:
    """The place at `uri`: `s3://bucket/prefix`, through the connection `name` if given, or a folder."""
    if uri.startswith("s3://"):
        try:
            return Bucket(uri, name, hint)
        except ConfigError as error:
            raise StepFailed(f"{uri}: {error}") from None
    if "://" in uri:
        raise StepFailed(f"{uri}: files are read from folders and from s3://; correct the place")
    return Folder(uri, hint)


def s3_client(login: Connection, tries: int = 5, timeout_seconds: float = 60) -> Any:
    """S3 by the keys of a connection, else by those of the machine."""
    import boto3
    from botocore.config import Config

    extra = login.extra or {}
    return boto3.session.Session().client(
        "s3",
        aws_access_key_id=login.login or None,
        aws_secret_access_key=login.password or None,
        aws_session_token=extra.get("aws_session_token"),
        endpoint_url=extra.get("endpoint_url"),
        region_name=extra.get("region_name") or os.environ.get("AWS_REGION"),
        config=Config(
            retries={"mode": "standard", "total_max_attempts": tries}, connect_timeout=15, read_timeout=timeout_seconds
        ),
    )


def _modified(status: os.stat_result) -> datetime:
    """To the microsecond, as the ledger keeps it; by integers, since a float would lose some."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=status.st_mtime_ns // 1000)
