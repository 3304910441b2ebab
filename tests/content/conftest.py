"""A company of a few texts, without the engine, and commands about them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.activation.small_company import CONFIG


@pytest.fixture
def shop(settings) -> Callable[..., Any]:
    """Load the small company with other files: `shop({"content.yaml": {...}})`."""
    return lambda files=None: settings({**CONFIG, **(files or {})})


@pytest.fixture
def klantreis(config, monkeypatch, capsys, wide_screen):
    """Run a command for the small company with other files: `(exit code, output, errors)`."""
    from jobs.cli.main import main

    folder = []

    def run(*arguments: str, files: dict[str, Any] | None = None) -> tuple[Any, str, str]:
        if files is not None or not folder:
            folder.append(config({**CONFIG, **(files or {})}))
        monkeypatch.setenv("KLANTREIS_CONFIG", str(folder[-1]))
        monkeypatch.setenv("KLANTREIS_HASH_KEY", "k")
        monkeypatch.setattr(sys, "argv", ["klantreis", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    return run
