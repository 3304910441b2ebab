"""Zip archives: which data files they hold, and what is in one, without ever writing a name of theirs to disk.

An archive is judged by its list of files before anything is expanded. One entry that could harm a program which
unpacks it (a path that leaves the folder, a link, a device name) sets the whole archive aside: an honest export tool
writes no such thing.
"""

from __future__ import annotations

import contextlib
import io
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from jobs.config.sources.formats import Limits
from jobs.ingest.formats.compression import GZIP, ZSTD, capped, gunzip, inflated, unzstd
from jobs.ingest.formats.content import MB, BrokenFile, Data, slices
from jobs.ingest.formats.disguises import HEAD, page_of

LISTED = 512
"""Bytes that an entry takes in an archive's list of files at most, on average."""
LOCAL_HEADER = struct.Struct("<4s22xHH")
MAGIC = b"\0member of a zip archive\0"
PACKED = struct.Struct(f"<{len(MAGIC)}sHIQ")
DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?", re.IGNORECASE)
NO_DATA = re.compile(r"(^|/)(__MACOSX/|\.|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
"""What packers of desktops add by themselves."""
NESTED = (".zip", ".7z", ".rar", ".tar", ".tgz", ".tar.gz", ".tar.zst", ".xlsx")
AGAIN = "send the archive again"


@dataclass(frozen=True)
class Member:
    """A data file in an archive: its name in Unicode NFC, and where its compressed bytes are."""

    name: str
    start: int
    packed: int
    size: int
    method: int
    crc: int


def archive_pattern(pattern: str) -> tuple[str, str] | None:
    """The pattern of an archive and that of files inside, if `pattern` reaches into one: `a/b.zip/c*.csv`."""
    found = re.fullmatch(r"(.+?\.zip)/(.+)", pattern, re.IGNORECASE)
    return (found[1], found[2]) if found else None


def members(data: Data, limits: Limits) -> list[Member]:
    """The data files of an archive. Raises BrokenFile if any of its entries is not what an honest export holds."""
    try:
        with zipfile.ZipFile(_Listing(data, LISTED * limits.archive_files)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OSError, IndexError) as error:
        raise BrokenFile(f"not a readable zip archive ({type(error).__name__}), or cut off; {AGAIN}") from None
    if len(entries) > limits.archive_files:
        raise BrokenFile(_too_many(limits))
    names = [_checked(entry, place) for place, entry in enumerate(entries, 1)]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        place = names.index(repeated[0]) + 1
        raise BrokenFile(f"the archive holds two files of the same name (one is entry {place}); {AGAIN} with each once")
    _refuse_overlaps(entries, len(data))
    size = sum(entry.file_size for entry in entries)
    if size > limits.expanded_mb * MB:
        raise BrokenFile(
            f"the archive holds {size // MB:,} MB, more than general.limits.expanded_mb; send it in smaller archives"
        )
    return [
        Member(name, _start(data, entry), entry.compress_size, entry.file_size, entry.compress_type, entry.CRC)
        for name, entry in zip(names, entries, strict=True)
        if not entry.is_dir() and not NO_DATA.search(name)
    ]


def packed(data: Data, member: Member) -> bytes:
    """A member as a file of its own: its method, checksum and size, then its bytes as they are in the archive.

    So it has the same hash in every archive, and expands, or turns out to be a bomb, where all files do.
    """
    header = PACKED.pack(MAGIC, member.method, member.crc, member.size)
    return header + data[member.start : member.start + member.packed]


def is_packed(path: str, data: Data) -> bool:
    """Whether this is a member of an archive, as `packed` made it."""
    return ".zip/" in path.lower() and data[: len(MAGIC)] == MAGIC


def unpacked(path: str, data: Data, limits: Limits) -> Iterator[bytes]:
    """The content of a member as `packed` made it. Raises BrokenFile, also on the way."""
    _, method, crc, size = PACKED.unpack(data[: PACKED.size])
    return content(data, Member(path, PACKED.size, len(data) - PACKED.size, size, method, crc), limits)


def only_member(data: Data, path: str, limits: Limits) -> Iterator[bytes]:
    """The content of an archive with one data file. Raises BrokenFile if it holds none or several."""
    found = members(data, limits)
    if not found:
        raise BrokenFile("the archive holds no data file; send it again with one")
    if len(found) > 1:
        name = path.rsplit("/", 1)[-1]
        raise BrokenFile(
            f"the archive holds {len(found):,} data files; say in `files` which of them the dataset takes, "
            f"such as {{day}}/{name}/NAME*.csv"
        )
    return content(data, found[0], limits)


def expanded(path: str, data: Data, limits: Limits) -> Iterator[bytes] | None:
    """The content of a compressed file, or None if `path` names no compressed one.

    Raises BrokenFile, also on the way, if it is damaged, cut off, or becomes larger than `limits` allow.
    """
    name = path.lower()
    if is_packed(path, data):
        return unpacked(path, data, limits)
    if name.endswith((".zip", *GZIP, *ZSTD)):
        _refuse_page(data)
    if name.endswith(".zip"):
        return capped(only_member(data, path, limits), len(data), limits)
    if name.endswith(GZIP):
        _refuse_other_content(data)
        return capped(gunzip(data), len(data), limits)
    if name.endswith(ZSTD):
        return capped(unzstd(data), len(data), limits)
    return None


def _refuse_page(data: Data) -> None:
    """What an error left under the name of a compressed file is no data, whatever its name says."""
    what = page_of(bytes(data[:HEAD]))
    if what:
        raise BrokenFile(f"the file is {what}")


def _refuse_other_content(data: Data) -> None:
    if len(data) and data[:1] != b"\x1f":
        raise BrokenFile("not compressed with gzip, as its name says; name it as what it is and send it again")


def content(data: Data, member: Member, limits: Limits) -> Iterator[bytes]:
    """What is in a member. Raises BrokenFile, also on the way, if it is not what the archive's list says of it."""
    if member.name.lower().endswith(NESTED + GZIP + ZSTD):
        raise BrokenFile("a compressed file inside an archive is not opened; send the inner one as it is")
    return capped(_checked_content(data, member), member.packed, limits)


def _checked_content(data: Data, member: Member) -> Iterator[bytes]:
    end = member.start + member.packed
    if member.method == zipfile.ZIP_DEFLATED:
        chunks = inflated(data, member.start, end)
    elif member.method == zipfile.ZIP_STORED:
        chunks = slices(data[member.start : end])
    else:
        raise BrokenFile(f"compressed by zip method {member.method}, which is not read; {AGAIN} with deflate")
    size = crc = 0
    for chunk in chunks:
        size, crc = size + len(chunk), zlib.crc32(chunk, crc)
        if size > member.size:
            break
        yield chunk
    if size != member.size or crc != member.crc:
        what = "size" if size != member.size else "checksum"
        raise BrokenFile(f"a file in the archive has another {what} than the archive's list says; {AGAIN}")


class _Listing(io.RawIOBase):
    """The archive as zipfile reads it, in place; a list of files beyond any sense is not read into memory."""

    def __init__(self, data: Data, most: int):
        self._data, self._most, self._position = data, most, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = offset + (0, self._position, len(self._data))[whence]
        if self._position < 0:
            raise ValueError("before the start")
        return self._position

    def read(self, size: int = -1) -> bytes:
        wanted = len(self._data) - self._position if size < 0 else size
        if wanted > self._most + (1 << 17):
            raise BrokenFile(_too_many(Limits(archive_files=max(self._most // LISTED, 1))))
        piece = self._data[self._position : self._position + wanted]
        self._position += len(piece)
        return piece


def _too_many(limits: Limits) -> str:
    return (
        f"the archive lists more than {limits.archive_files:,} files; send fewer in one, or raise "
        "general.limits.archive_files"
    )


def _checked(entry: zipfile.ZipInfo, place: int) -> str:
    """The name of an entry in NFC. Raises BrokenFile if it is no plain file or folder below the archive."""
    raw = entry.orig_filename
    if not entry.flag_bits & 0x800:  # the flag of UTF-8 is missing: many packers write UTF-8 all the same
        with contextlib.suppress(UnicodeError):
            raw = raw.encode("cp437").decode("utf-8")
    name = unicodedata.normalize("NFC", raw)
    problem = _problem(entry, name)
    if problem:
        raise BrokenFile(
            f"entry {place} of the archive {problem}; nothing of it is read. Pack only plain files and {AGAIN}"
        )
    return name


def _problem(entry: zipfile.ZipInfo, name: str) -> str | None:
    parts = name.rstrip("/").split("/")
    mode = entry.external_attr >> 16
    if entry.flag_bits & 0x1:
        return "is encrypted"
    if stat.S_IFMT(mode) and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return "is a link or a device, not a file"
    if ".." in parts or name.startswith("/") or re.match("[A-Za-z]:", name) or "\\" in name:
        return "has a path that leaves the archive (.., /, a drive or a backslash)"
    if "" in parts or re.search(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", name):
        return "has an empty name or one with control characters"
    if any(DEVICE.fullmatch(re.sub(r"[ .]+(\.|$)", r"\1", part)) for part in parts):
        return "has the name of a Windows device"
    return None


def _refuse_overlaps(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Two entries that share bytes are how a small archive becomes a huge one."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise BrokenFile(f"entries of the archive overlap, as in a zip bomb; {AGAIN}")
        end = entry.header_offset + 30 + entry.compress_size
    if end > size:
        raise BrokenFile(f"the archive is cut off, or lies about the size of an entry; {AGAIN}")


def _start(data: Data, entry: zipfile.ZipInfo) -> int:
    """Where the compressed bytes of an entry begin: after its own header, which must be there."""
    header = data[entry.header_offset : entry.header_offset + LOCAL_HEADER.size]
    if len(header) < LOCAL_HEADER.size or header[:4] != b"PK\3\4":
        raise BrokenFile(f"the archive is damaged: an entry is not where its list says; {AGAIN}")
    _, name, extra = LOCAL_HEADER.unpack(header)
    return entry.header_offset + LOCAL_HEADER.size + name + extra
