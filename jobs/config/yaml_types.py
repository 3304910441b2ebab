"""What YAML makes of values without quotes, and which types the models take at a place.

YAML 1.1 reads NO, off and yes as truth values, 012 as ten, 21:00 as 1,260 and 2024-05-01 as a date. Where a text is
meant, such as a country or a code, that is never what was written.
"""

from __future__ import annotations

import re
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel

_BOOL, _INT, _FLOAT, _DATE = (f"tag:yaml.org,2002:{name}" for name in ("bool", "int", "float", "timestamp"))
_PLAIN_INT = re.compile(r"[+-]?(0|[1-9][0-9]*)")


def misread(node: yaml.Node | None, meant: bool = False) -> str | None:
    """What to do about a value without quotes that YAML reads as something else than is written; None if it does not.

    With `meant` it is known that a text is meant, so that true and 5 are misread too.
    """
    if not isinstance(node, yaml.ScalarNode) or node.style:  # plain is None or, as the C library says, empty
        return None
    text = node.value
    if node.tag == _BOOL and text.lower() not in ("true", "false"):
        what = "yes or no"
    elif (node.tag == _INT and not _PLAIN_INT.fullmatch(text)) or (node.tag == _FLOAT and (":" in text or "_" in text)):
        what = f"the number {yaml.safe_load(text)}"
    elif node.tag == _DATE:
        what = "a date, not a text"
    elif meant and node.tag in (_BOOL, _INT, _FLOAT):
        what = "a truth value, not a text" if node.tag == _BOOL else "a number, not a text"
    else:
        return None
    return f'{text} without quotes is {what} in YAML; if the text is meant, quote it: "{text}"'


def takes_text(annotation: Any) -> bool:
    """Whether a text can be here as well as something else: then only quotes tell which is meant."""
    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else ()
    return str in kinds and bool in kinds


def annotation_at(model: Any, keys: tuple[str | int, ...]) -> Any:
    """The type that the models want at a place; None if they do not say."""
    for key in keys:
        model = _inner(model)
        if is_model(model):
            named = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
            model = named.get(str(key))
        elif get_origin(model) in (dict, list, tuple):
            model = get_args(model)[-1]
        else:
            return None
    return model


def fields_at(model: Any, keys: tuple[str | int, ...]) -> list[str]:
    """Names of the fields that the model at a place has."""
    found = _inner(annotation_at(model, keys))
    return [field.alias or name for name, field in found.model_fields.items()] if is_model(found) else []


def is_model(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, BaseModel)


def _inner(annotation: Any) -> Any:
    """Of a choice of types the one that has something below it."""
    if get_origin(annotation) is Annotated:
        return _inner(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
        return next((kind for kind in kinds if is_model(kind) or get_origin(kind)), kinds[-1])
    return annotation
