"""What a destination of type google_data_manager can be told."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from jobs.config.yaml_files import Strict


class Options(Strict):
    """Which account, and how patient to be."""

    model_config = ConfigDict(coerce_numbers_to_str=True)  # ids in YAML may be written as numbers

    account_id: str = Field(pattern=r"^\d+$", description="Google Ads account that owns the lists")
    login_account_id: str | None = Field(None, pattern=r"^\d+$", description="manager account used to log in")
    tries: int = Field(6, ge=1)
    wait_seconds: float = Field(1.0, ge=0, description="longest wait before the second try; doubles each time")
    longest_wait_seconds: float = Field(60.0, gt=0)
    timeout_seconds: float = Field(60.0, gt=0)
    status_timeout_seconds: float = Field(900.0, ge=0, description="how long to wait for the outcome of all requests")
    status_wait_seconds: float = Field(2.0, gt=0, description="wait between two looks at the outcome; grows to 30 s")
    isolation_requests: int = Field(40, ge=0, description="requests spent on finding which rows were refused")
