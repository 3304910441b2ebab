"""What a destination of type file_drop can be told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jobs.config.yaml_files import Strict


class Options(Strict):
    """Where files are put, and how they are written."""

    to: str = Field(
        description="folder; or s3://bucket/prefix, whose keys are in the connection or on the machine; or "
        "sftp://folder of the login, or sftp:///whole/path, on the host of the connection"
    )
    format: Literal["csv", "jsonl"] = "csv"
    spelling: Literal["sha256", "plain"] = Field("sha256", description="addresses and numbers hashed, or as they are")
    rows_per_file: int = Field(100_000, ge=1)
    tries: int = Field(5, ge=1, description="tries for S3 or SFTP when it is busy or breaks off")
    timeout_seconds: float = Field(60.0, gt=0)
