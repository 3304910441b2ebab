"""A company of a few texts, without the engine, and commands about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.activation.small_company import CONFIG


@pytest.fixture
def shop(settings) -> Callable[..., Any]:
    """Load the small company with other files: `shop({"content.yaml": {...}})`."""
    return lambda files=None: settings({**CONFIG, **(files or {})})


@pytest.fixture
def klantreis(config, command):
    """Run a command for the small company with other files: `(exit code, output, errors)`."""
    folder = []

    def run(*arguments: str, files: dict[str, Any] | None = None) -> tuple[Any, str, str]:
        if files is not None or not folder:
            folder.append(config({**CONFIG, **(files or {})}))
        return command(folder[-1], *arguments)

    return run
