"""Read YAML into checked models; say file, line, key and nearest valid key when something is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

Model = TypeVar("Model", bound=BaseModel)
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z][A-Z0-9_]*)(?::-(?P<default>[^}]*))?\}")


class ConfigError(Exception):
    """The configuration is wrong. The message has one line per problem: place, problem, what to do."""

    def __init__(self, problems: Iterable[str]):
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class Strict(BaseModel):
    """A part of the configuration: unknown keys are refused, values cannot be changed after load."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def load(path: Path, model: type[Model]) -> Model:
    """The file as `model`.

    `${NAME}` and `${NAME:-default}` in values are taken from the environment.
    Raises ConfigError naming file, line and key of every problem.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError([f"{path}: the file does not exist"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8"]) from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = _with_environment(yaml.safe_load(text) or {}, path)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError([f"{path}:{line}: not valid YAML: {error.problem}"]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError([f"{path}:{line}: not valid YAML: a control character; save it as UTF-8 text"]) from None
    duplicates = [f"{path}:{line}: key {key!r} is written twice; keep one" for key, line in _duplicates(node)]
    if duplicates:
        raise ConfigError(duplicates)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_explain(path, node, model, problem) for problem in error.errors()) from None


def line_of(path: Path, *keys: str | int) -> int:
    """The line (from 1) of the value under `keys` in a YAML file, or of its nearest parent."""
    return _line(yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader), keys)


def nearest(name: str, valid: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or the valid names when none is near."""
    valid = sorted(valid)
    near = get_close_matches(name, valid, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; valid: {', '.join(valid)}"


def _explain(path: Path, node: yaml.Node | None, model: type[BaseModel], problem: Any) -> str:
    keys = tuple(problem["loc"])
    dotted = ".".join(str(key) for key in keys)
    if problem["type"] == "extra_forbidden":
        hint = nearest(str(keys[-1]), _fields(model, keys[:-1]))
        return f"{path}:{_line(node, keys)}: unknown key {dotted!r}{hint}"
    if problem["type"] == "missing":
        return f"{path}:{_line(node, keys[:-1])}: key {dotted!r} is missing; add it"
    if problem["type"] == "model_type":
        return f"{path}:{_line(node, keys)}: {dotted or 'file'}: must hold keys with values; is the indentation right?"
    keys, message = _placed(node, keys, problem["msg"].removeprefix("Value error, "))
    return f"{path}:{_line(node, keys)}: {'.'.join(map(str, keys)) or 'file'}: {message}"


def _placed(node: yaml.Node | None, keys: tuple[Any, ...], message: str) -> tuple[tuple[Any, ...], str]:
    """A message of a model that begins with keys below it, such as `columns.emial: ...`: these belong to the place."""
    for key in keys:
        node = _child(node, key)[1]
    found = re.fullmatch(r"(\w+(?:\.\w+)*): (.+)", message, re.DOTALL)
    if found and _child(node, found[1].split(".")[0])[1]:
        return (*keys, *found[1].split(".")), found[2]
    return keys, message


def _fields(model: Any, keys: tuple[Any, ...]) -> list[str]:
    """Names of the fields a model takes below `keys`; walks through dict, list and optional types."""
    for key in keys:
        if _is_model(model) and key in model.model_fields:
            model = model.model_fields[key].annotation
        while not _is_model(model):
            inner = [argument for argument in get_args(model) if get_args(argument) or _is_model(argument)]
            if not inner:
                return []
            model = inner[-1]  # of dict[key, value] the value
    return [field.alias or name for name, field in model.model_fields.items()]


def _is_model(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, BaseModel)


def _line(node: yaml.Node | None, keys: tuple[str | int, ...]) -> int:
    line = node.start_mark.line + 1 if node else 1
    for key in keys:
        start, node = _child(node, key)
        if start is None:
            break
        line = start.start_mark.line + 1
    return line


def _child(node: yaml.Node | None, key: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """Where the value under `key` begins to be written, and the value; None twice if there is none."""
    if isinstance(node, yaml.MappingNode):
        return next(((k, v) for k, v in node.value if k.value == str(key)), (None, None))
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key]
    return None, None


def _duplicates(node: yaml.Node | None) -> list[tuple[str, int]]:
    found = []
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                found.append((key.value, key.start_mark.line + 1))
            seen.add(key.value)
            found += _duplicates(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            found += _duplicates(value)
    return found


def _with_environment(value: Any, path: Path) -> Any:
    if isinstance(value, dict):
        return {key: _with_environment(item, path) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_environment(item, path) for item in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        filled = os.environ.get(match["name"], match["default"])
        if filled is None:
            raise ConfigError([f"{path}: environment variable {match['name']} is not set; set it or write a default"])
        return filled

    filled = _VARIABLE.sub(fill, value)
    return yaml.safe_load(filled) if filled != value and filled else filled
