"""The files of a model: what they need to be served, and that they are the ones we registered.

They are only used if they are: hashes per file, sealed with the installation's key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from jobs.errors import ModelRefused


def requirements(*packages: str) -> list[str]:
    """What a served model needs, at the versions it was made with."""
    return [f"{one}=={version(one)}" for one in packages]


def manifest(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a model folder, by relative path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def seal(files: dict[str, str], key: str) -> str:
    """Proof that this installation wrote the manifest: whoever can edit the registry cannot make one."""
    return hmac.new(key.encode(), json.dumps(files, sort_keys=True).encode(), hashlib.sha256).hexdigest()


def verified(folder: Path, files: dict[str, str], found_seal: str, key: str, what: str) -> dict[str, bytes]:
    """The content of every registered file, checked. What is hashed is what is returned, so nothing can change between.

    Raises ModelRefused naming `what` and the file when anything is not as registered.
    """
    if not hmac.compare_digest(seal(files, key), found_seal):
        raise ModelRefused(
            f"{what}: its list of files was not sealed with this installation's hash key; the registry entry was "
            "changed or KLANTREIS_HASH_KEY is another one. Set the key it was trained with, train again, or, if that "
            "key is listed in KLANTREIS_PREVIOUS_KEYS, have a person vouch for it: `klantreis models reseal`"
        )
    content = {}
    for name, expected in files.items():
        path = inside(folder, name, what)
        if not path.is_file():
            raise ModelRefused(f"{what}: file {name} is missing; restore it, or roll back and train again")
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != expected:
            raise ModelRefused(f"{what}: file {name} is not the one that was registered; roll back or train again")
        content[name] = data
    return content


def inside(folder: Path, name: str, what: str) -> Path:
    """The path of `name` below `folder`. Raises ModelRefused if it leads out: by `..`, from the root, or by a link."""
    pure = PurePosixPath(name)
    path = folder / name
    if pure.is_absolute() or ".." in pure.parts or not path.resolve().is_relative_to(folder.resolve()):
        raise ModelRefused(f"{what}: path {name!r} leads out of the model folder; train again")
    return path
