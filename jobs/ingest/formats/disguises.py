"""Files that are something else than their dataset's format: workbooks, archives and web pages under a wrong name."""

from __future__ import annotations

import re

from jobs.config.sources.formats import Format
from jobs.ingest.formats.content import BrokenFile, Data

HEAD = 4096
"""Bytes that are looked at."""
AGAIN = "and send it again"
MAGIC: dict[bytes, str] = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": f"an Excel workbook (.xls); save its sheet as CSV {AGAIN}",
    b"\x1f\x8b": "compressed with gzip; let its name end in .gz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; let its name end in .zst",
    b"BZh9": f"compressed with bzip2, which is not read; compress it with gzip {AGAIN}",
    b"\xfd7zXZ\x00": f"compressed with xz, which is not read; compress it with gzip {AGAIN}",
    b"7z\xbc\xaf\x27\x1c": f"a 7-Zip archive, which is not read; pack it as zip {AGAIN}",
    b"Rar!\x1a\x07": f"a RAR archive, which is not read; pack it as zip {AGAIN}",
    b"%PDF-": f"a PDF document; export the data as CSV {AGAIN}",
    b"SQLite format 3\0": f"an SQLite database; export its tables as CSV {AGAIN}",
    b"{\\rtf": f"a text document (RTF); export the data as CSV {AGAIN}",
    b"PAR1": "a Parquet file; set `type: parquet` in the dataset's `format`",
    b"Obj\x01": "an Avro file; set `type: avro` in the dataset's `format`",
}
"""How files begin that are no text, what they are, and what to do."""
MARKUP = re.compile(rb"\s*(?:<!--.*?-->\s*)?<(?P<name>!doctype|html|head|body|\?xml)\b", re.IGNORECASE | re.DOTALL)


def refuse_disguise(data: Data, form: Format) -> None:
    """Raise BrokenFile if the content, decompressed, is surely of another kind than the format says."""
    what = _kind(bytes(data[:HEAD]), data)
    own = {"parquet": "a Parquet", "avro": "an Avro"}.get(form.type)
    if what and not (own and what.startswith(own)):
        raise BrokenFile(f"the file is {what}")


def _kind(head: bytes, data: Data) -> str | None:
    if head.startswith(b"PK\3\4"):
        if b"[Content_Types].xml" in head or data.rfind(b"xl/workbook") >= 0:
            return f"an Excel workbook (.xlsx); save its sheet as CSV {AGAIN}"
        if b"opendocument" in head:
            return f"a workbook of LibreOffice (.ods); save its sheet as CSV {AGAIN}"
        return "a zip archive; let its name end in .zip"
    for magic, what in MAGIC.items():
        if head.startswith(magic) and (magic != b"PAR1" or data[-4:] == magic):
            return what
    if head[257:262] == b"ustar":
        return f"a tar archive, which is not read; pack it as zip {AGAIN}"
    return page_of(head)


def page_of(head: bytes) -> str | None:
    """What a web page or XML is, and what to do; None for all else."""
    markup = MARKUP.match(head.removeprefix(b"\xef\xbb\xbf"))
    if not markup:
        return None
    if markup["name"].lower() == b"?xml":
        return f"XML, which is not read; export the data as CSV or JSON {AGAIN}"
    return f"an HTML page, such as the answer of a login or an error, and no data; look at the download {AGAIN}"
