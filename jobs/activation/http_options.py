"""What destinations over HTTP can be told, each a further kind of the one before; light, as reading YAML has to be."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from jobs.config.yaml_files import Strict


class HttpOptions(Strict):
    """How fast and how patient to be."""

    model_config = ConfigDict(coerce_numbers_to_str=True)  # ids in YAML may be written as numbers

    tries: int = Field(6, ge=1)
    wait_seconds: float = Field(1.0, ge=0, description="longest wait before the second try; doubles each time")
    longest_wait_seconds: float = Field(60.0, gt=0, description="longest wait between two tries, whatever is asked")
    timeout_seconds: float = Field(60.0, gt=0, description="longest time for one whole answer")
    requests_per_second: float = Field(10.0, gt=0, description="requests are begun no faster than this")


class ListOptions(HttpOptions):
    """How patient to be with a list."""

    isolation_requests: int = Field(40, ge=0, description="requests spent on finding which rows were refused")


class WaitingOptions(ListOptions):
    """How patient to be with a list whose answers come later."""

    status_timeout_seconds: float = Field(900.0, ge=0, description="how long to wait for the outcome of all requests")
    status_wait_seconds: float = Field(2.0, gt=0, description="wait between two looks at the outcome; grows to 30 s")
