"""Read YAML into checked models; say file, line, key and nearest valid key when something is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from jobs.config.written_secrets import ADVICE, names_secret
from jobs.config.wrong import ConfigError, nearest
from jobs.config.yaml_types import annotation_at, fields_at, misread, takes_text

__all__ = ["ConfigError", "Strict", "line_of", "load", "nearest"]

Model = TypeVar("Model", bound=BaseModel)
_OF_TYPE = {
    "string_type",
    "literal_error",
    "model_type",
    "bool_type",
    "int_type",
    "float_type",
    "list_type",
    "dict_type",
}
"""Problems of a value that is of another type than the one wanted."""
SHAPES = {
    "^[a-z][a-z0-9_]*$": "a name of lower-case letters, digits and underscores, a letter first, such as web_shop",
    "^[A-Z]{3}$": "a code of three capitals, such as EUR",
    "^[A-Z]{2}$": "a code of two capitals, such as NL",
    "^[a-z]{2}$": "a code of two small letters, such as nl",
    r"^\d+$": "digits only, such as 1234567890",
    r"^v\d+\.\d+$": "a version such as v26.0",
    r"^([01]\d|2[0-3]):[0-5]\d$": "a time of day in quotes, such as '09:30'",
    "^[0-9a-f]{64}$": "the hash of a text, which klantreis content show prints",
    "^https://": "an address that begins with https://",
    r"^[^,;\s]+$": "a name without blanks, commas and semicolons",
    r"^(\[\]|[^.\[\]]+(\[\])?)(\.[^.\[\]]+(\[\])?)*$|^$": "a path such as data.items[] or pages.next",
}
"""Patterns that texts of the configuration must fit, in words."""
_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASS|PWD|CREDENTIAL|CONN|AUTH|PRIVATE|SALT|DSN|CERT|BEARER|COOKIE")
_LOGIN = re.compile(r"://[^/\s@]*:[^/\s@]+@|-----BEGIN|\bpassword\b", re.IGNORECASE)
"""What a value holds that is a secret whatever its variable is called: an address with a password, a key."""
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z][A-Z0-9_]*)(?::-(?P<default>[^}]*))?\}")


class _Loader(yaml.SafeLoader):
    """YAML whose keys are texts as they are written: `on`, `no` and `012` are keys like any other."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                key.tag = "tag:yaml.org,2002:str"
        return yaml.SafeLoader.construct_mapping(self, node, deep=deep)


class _FastLoader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """The same by the C library, whose words for what is wrong are others: it reads what is right."""

    construct_mapping = _Loader.construct_mapping


class Strict(BaseModel):
    """A part of the configuration: unknown keys are refused, values cannot be changed after load."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def load(path: Path, model: type[Model]) -> Model:
    """The file as `model`.

    `${KLANTREIS_...}` and `${KLANTREIS_...:-default}` in values are taken from the environment; no other variables, and
    none whose name or value says it is a secret: what is written here reaches mails, logs and pages. Messages about
    this file name the variable, not its value.
    Raises ConfigError naming file, line and key of every problem.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError([f"{path}: the file does not exist"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8"]) from None
    try:
        node = _composed(text)
        taken: dict[str, str] = {}
        values = _with_environment(_values(text) or {}, path, taken)
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
        found = model.model_validate(values)
    except ValidationError as error:
        told = (_without(taken, _explain(path, node, model, problem), path) for problem in error.errors())
        raise ConfigError(dict.fromkeys(told)) from None  # of a choice of types each has its complaint
    surprises = list(_surprises(path, node, model))
    if surprises:
        raise ConfigError(surprises)
    return found


def line_of(path: Path, *keys: str | int) -> int:
    """The line (from 1) of the value under `keys` in a YAML file, or of its nearest parent."""
    return _line(_composed(path.read_text(encoding="utf-8")), keys)


@lru_cache(maxsize=256)
def _composed(text: str) -> yaml.Node | None:
    """What is written, with its lines; each text once, since a check asks for many lines of few files."""
    try:
        return yaml.compose(text, Loader=_FastLoader)
    except yaml.YAMLError:
        return yaml.compose(text, Loader=yaml.SafeLoader)


def _values(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_FastLoader)
    except yaml.YAMLError:
        return yaml.load(text, Loader=_Loader)


def _explain(path: Path, node: yaml.Node | None, model: type[BaseModel], problem: Any) -> str:
    keys = tuple(problem["loc"])
    dotted = ".".join(str(key) for key in keys)
    if problem["type"] == "extra_forbidden":
        secret = f"; if it is a secret, {ADVICE}" if names_secret(str(keys[-1]), several=True) else ""
        hint = (_place_below(model, keys) or nearest(str(keys[-1]), fields_at(model, keys[:-1]))) + secret
        return f"{path}:{_line(node, keys)}: unknown key {dotted!r}{hint}"
    if problem["type"] == "missing":
        return f"{path}:{_line(node, keys[:-1])}: key {dotted!r} is missing; add it"
    told = misread(_at(node, keys), meant=True) if problem["type"] in _OF_TYPE else None
    if told:
        keys = keys[: _known(node, keys)]  # after that come names of types
        if "from" in fields_at(model, keys):  # a source column, or SQL over source columns
            told += f" for a column of that name, or \"'{getattr(_at(node, keys), 'value', '')}'\" for the text itself"
        return f"{path}:{_line(node, keys)}: {'.'.join(map(str, keys))}: {told}"
    if problem["type"] == "model_type":
        last = str(keys[-1]) if keys else ""
        if any(last.count(sign) % 2 for sign in "'\"") or last.count("(") != last.count(")"):
            where = f"{path}:{_line(node, keys[:-1])}: {'.'.join(map(str, keys[:-1]))}"
            return f"{where}: inside {{ }} a comma ends a value, here before {last!r}; quote the whole value"
        if problem["input"] is not None:
            what = "must hold keys with values; is the indentation right?"
            return f"{path}:{_line(node, keys)}: {dotted or 'file'}: {what}"
    if keys and problem["input"] is None and problem["type"] in _OF_TYPE:
        keys = keys[: _known(node, keys)]
        return f"{path}:{_line(node, keys)}: {'.'.join(map(str, keys))}: is empty; write a value, or take the key away"
    keys, message = _placed(node, keys, _in_words(problem))
    return f"{path}:{_line(node, keys)}: {'.'.join(map(str, keys)) or 'file'}: {message}"


def _place_below(model: type[BaseModel], keys: tuple[Any, ...]) -> str:
    """`; it stands under x`: where an unknown key is known one level further down."""
    name, above = str(keys[-1]), keys[:-1]
    places = [one for one in fields_at(model, above) if name in fields_at(model, (*above, one))]
    return f"; it stands under {' or '.join(map(repr, places))}" if places else ""


def _in_words(problem: Any) -> str:
    """What a model says of a value, with the value as it is written, and without the model's own terms."""
    value, kind, context = problem["input"], problem["type"], problem.get("ctx", {})
    if kind == "string_pattern_mismatch":
        pattern = context["pattern"]
        return f"{value!r} is not {SHAPES.get(pattern, f'a text that fits the pattern {pattern}')}"
    if kind == "literal_error" and isinstance(value, str):
        valid = re.findall("'([^']*)'", context["expected"])
        return f"unknown value {value!r}{nearest(value, valid)}"
    message: str = problem["msg"].removeprefix("Value error, ")
    if message.startswith(("Input should", "String should")) and isinstance(value, str | int | float):
        return f"{value!r} {message.split(' ', 1)[1]}"
    return message


def _placed(node: yaml.Node | None, keys: tuple[Any, ...], message: str) -> tuple[tuple[Any, ...], str]:
    """A message of a model that begins with keys below it, such as `columns.emial: ...`: these belong to the place."""
    for key in keys:
        node = _child(node, key)[1]
    found = re.fullmatch(r"(\w+(?:\.\w+)*): (.+)", message, re.DOTALL)
    if found and _child(node, found[1].split(".")[0])[1]:
        return (*keys, *found[1].split(".")), found[2]
    return keys, message


def _surprises(
    path: Path, node: yaml.Node | None, model: type[BaseModel], keys: tuple[str | int, ...] = ()
) -> Iterator[str]:
    """Values that were taken, where a text is taken too, for something else than is written."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _surprises(path, value, model, (*keys, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            yield from _surprises(path, value, model, (*keys, place))
    elif (told := misread(node)) and takes_text(annotation_at(model, keys)):
        yield f"{path}:{_line(node, ())}: {'.'.join(map(str, keys))}: {told}"


def _known(node: yaml.Node | None, keys: tuple[Any, ...]) -> int:
    """How many of the keys lead to something that is written."""
    for place, key in enumerate(keys):
        node = _child(node, key)[1]
        if node is None:
            return place
    return len(keys)


def _at(node: yaml.Node | None, keys: tuple[Any, ...]) -> yaml.Node | None:
    """The node under `keys`, or the nearest above it."""
    for key in keys:
        below = _child(node, key)[1]
        if below is None:
            return node
        node = below
    return node


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


def _without(taken: dict[str, str], message: str, path: Path) -> str:
    """A message about a file with the names of variables in the place of their values."""
    place, said = str(path), message.removeprefix(str(path))
    for name, value in taken.items():
        said = said.replace(repr(value), f"${{{name}}}").replace(value, f"${{{name}}}") if len(value) > 2 else said
    return place + said


def _with_environment(value: Any, path: Path, taken: dict[str, str]) -> Any:
    """The value with its variables filled in; `taken` gets name and value of each that the environment has."""
    if isinstance(value, dict):
        return {key: _with_environment(item, path, taken) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_environment(item, path, taken) for item in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        if not match["name"].startswith("KLANTREIS_") or _SECRET.search(match["name"]):
            told = (
                "only variables named KLANTREIS_... that are no secrets may be used here; for a secret, see connections"
            )
            raise ConfigError([f"{path}: ${{{match['name']}}} is not filled in: {told}"])
        filled = os.environ.get(match["name"], match["default"])
        if match["name"] in os.environ:
            if _LOGIN.search(os.environ[match["name"]]):
                raise ConfigError(
                    [f"{path}: ${{{match['name']}}} holds a login: make a connection of it, see connections"]
                )
            taken[match["name"]] = os.environ[match["name"]]
        if filled is None:
            raise ConfigError([f"{path}: environment variable {match['name']} is not set; set it or write a default"])
        return filled

    filled = _VARIABLE.sub(fill, value)
    return yaml.safe_load(filled) if filled != value and filled else filled
