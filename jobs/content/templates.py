"""Templates of messages in Jinja's sandbox: whoever writes one writes text, not code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import jinja2
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from jobs.config.actions.content import TEMPLATES, Content
from jobs.content.standing import standing_of
from jobs.errors import ContentNotApproved


class _Approved(jinja2.FileSystemLoader):
    """Reads each file once, and only texts that a person approved of, whatever the file says meanwhile."""

    def __init__(self, folder: Path, content: Content) -> None:
        super().__init__(folder / TEMPLATES)
        self._folder, self._content = folder, content

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        text, path, _ = super().get_source(environment, template)
        standing = standing_of(template, text, self._content)
        if standing.state != "approved":
            raise ContentNotApproved(standing.told(self._folder))
        return text, path, lambda: True


def sandbox(folder: Path, content: Content | None = None) -> ImmutableSandboxedEnvironment:
    """What renders the templates of a configuration folder: HTML is escaped, a name that is not given is an error.

    Given what was approved, loading any other text raises ContentNotApproved.
    """
    loader = _Approved(folder, content) if content else jinja2.FileSystemLoader(folder / TEMPLATES)
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.globals.clear()
    return environment


def with_referenced(names: Iterable[str], folder: Path) -> tuple[list[str], list[str]]:
    """Files of config/templates with those they include or extend, and what stands in the way of knowing them.

    A file that is included by a name that is computed is not known before a message is written.
    """
    found: list[str] = []
    problems: list[str] = []
    waiting, parser = list(names), jinja2.Environment(autoescape=True)
    while waiting:
        name = waiting.pop(0)
        if name in found:
            continue
        found.append(name)
        path = folder / TEMPLATES / name
        try:
            tree = parser.parse(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            problems.append(f"{path}: is included and not there; write it")
            found.pop()
            continue
        except UnicodeDecodeError:
            continue
        except jinja2.TemplateSyntaxError as error:
            problems.append(f"{path}:{error.lineno}: {error}")
            continue
        for one in meta.find_referenced_templates(tree):
            if one is None:
                problems.append(
                    f"{path}: includes a file by a name that is computed; write the name, so it can be read"
                )
            else:
                waiting.append(one)
    return found, problems


def read_now(environment: jinja2.Environment, names: Iterable[str], folder: Path) -> None:
    """Load these and all they include, so that nothing is read while messages are sent.

    Raises ContentNotApproved, if the environment asks for approval.
    """
    files, problems = with_referenced(names, folder)
    if problems:
        raise ContentNotApproved("; ".join(problems))
    for name in files:
        environment.get_template(name)
