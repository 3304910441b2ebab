"""The code a step is made of: its own module, every module of the product this one imports, however far away, and the
word lists and the like in `data/` of their packages.

A step runs again when that code does something else. How it is written counts for nothing (comments, docstrings,
blank lines, line breaks, quotes), nor do modules the step does not import: a deploy without effect rebuilds nothing.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jobs.lake.code_cache import Kept

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("jobs", "expectations")


@dataclass(frozen=True)
class Module:
    """What one file says: a hash of its statements, and the modules of the product it imports."""

    digest: str
    imports: frozenset[str]


def code_fingerprint(modules: str | Sequence[str] = ()) -> str:
    """Hash of all that these modules and what they import do; of the whole product if none is named.

    Imports inside functions count, those for type checkers do not. A module that is imported by a computed name is
    not found, so whoever needs it names it beside its own. Raises LookupError for a module that is not there.
    """
    return _fingerprint((modules,) if isinstance(modules, str) else tuple(modules), ROOT)


@cache
def _fingerprint(modules: tuple[str, ...], root: Path) -> str:
    used = _closure(modules or _every_module(root), root)
    told = "".join(f"{name} {_module(name, root).digest}\n{_data(name, root)}" for name in sorted(used))
    _kept().save()
    return hashlib.sha256(told.encode()).hexdigest()


def _closure(modules: tuple[str, ...], root: Path) -> set[str]:
    used: set[str] = set()
    waiting = [part for name in modules for part in _with_packages(name)]
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting += _module(name, root).imports
    return used


def _every_module(root: Path) -> tuple[str, ...]:
    paths = [path.relative_to(root).with_suffix("") for name in PRODUCT for path in (root / name).rglob("*.py")]
    return tuple(".".join(path.parts).removesuffix(".__init__") for path in paths)


@cache
def _module(name: str, root: Path) -> Module:
    path = _path(name, root)
    if path is None:
        raise LookupError(f"module {name} is not in {root}; a step names the modules its result comes from")
    digest, imported = _parsed(path.read_bytes())
    names = (whole if _path(whole, root) else package for package, whole in imported)
    used = {part for used_name in names for part in _with_packages(used_name)}
    return Module(digest, frozenset(part for part in used if _path(part, root)))


def _data(name: str, root: Path) -> str:
    """Name and hash of each file in `data/` of a package, which its modules read when they run."""
    there = sorted(root.joinpath(*name.split("."), "data").glob("*"))
    return "".join(f"{one.name} {hashlib.sha256(one.read_bytes()).hexdigest()}\n" for one in there if _is_data(one))


def _is_data(path: Path) -> bool:
    return path.is_file() and path.suffix not in (".md", ".py")


@cache
def _parsed(source: bytes) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Hash of the statements, and what is imported: the module in any case, and what may be one in it."""
    known = _kept().get(source)
    if known is None:
        tree = ast.parse(source)
        known = hashlib.sha256("\0".join(_statements(tree)).encode()).hexdigest(), list(_imported(tree))
        _kept().put(source, known)
    digest, imported = known
    return digest, tuple((package, whole) for package, whole in imported)


@cache
def _kept() -> Kept:
    own = Path(__file__)
    return Kept(own.parent / "__pycache__", own.read_bytes())


def _path(name: str, root: Path) -> Path | None:
    """The file of a module of the product, or None; a folder without `__init__.py` is no module and has no code."""
    if name.split(".")[0] not in PRODUCT:
        return None
    base = root.joinpath(*name.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _with_packages(name: str) -> list[str]:
    """The name and the packages around it, which Python runs first."""
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    """`package`, `package.name` of what is imported anywhere below `node`; the name is a module or something in one."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, alias.name) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield from ((child.module, f"{child.module}.{alias.name}") for alias in child.names)
        elif isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for other in child.orelse:
                yield from _imported(other)
        else:
            yield from _imported(child)


def _statements(node: ast.AST) -> Iterator[str]:
    """The tree without positions and without texts that stand alone: docstrings, and what is said below a constant."""
    yield type(node).__name__
    for name, value in ast.iter_fields(node):
        yield name
        for part in value if isinstance(value, list) else [value]:
            if not isinstance(part, ast.AST):
                yield repr(part)
            elif not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)):
                yield from _statements(part)
    yield "end"
