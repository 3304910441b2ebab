"""The kinds of faults of benchmarks/faults.py: what lands, and what must become of it, known without the product."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import random
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

Landed = tuple[str, bytes, "Fate"]
HEADER = "id,updated,name,born"
ENDINGS = {"contacts": ".csv", "messages": ".jsonl", "order_lines": ".jsonl", "orders": ".csv"}
ENDINGS |= {"products": ".parquet", "tickets": ".avro"}


@dataclass(frozen=True)
class Fate:
    """What must become of one file: the ids of its rows that are accepted and of those that never may be.

    `moment` is what every accepted row must have as its time of change, if that is not known from elsewhere. A file
    that is `looked_up` has rows for others to take values of: what becomes of those is judged. A file whose records
    have rows in them is counted in records: `records` are those accepted and quarantined, `left_out` those without any.
    """

    accepted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    quarantined: int = 0
    duplicates: int = 0
    days_late: int = 0
    moment: dt.datetime | None = None
    looked_up: bool = False
    records: tuple[int, int] | None = None
    left_out: int = 0

    @property
    def counted(self) -> tuple[int, int, int]:
        """What the ledger must say of it: accepted, quarantined, duplicates."""
        return (*(self.records or (len(self.accepted), self.quarantined)), self.duplicates)

    def then(self, other: Fate) -> Fate:
        """The fate of a file that is replaced by another after it was read."""
        return Fate(
            self.accepted + other.accepted,
            self.refused + other.refused,
            self.quarantined + other.quarantined,
            self.duplicates + other.duplicates,
            self.days_late,
        )


@dataclass(frozen=True)
class Delivery:
    """A good delivery that a fault is put into. All chance comes from `chance`."""

    chance: random.Random
    day: dt.date
    prefix: str
    dataset: str

    @property
    def ids(self) -> list[str]:
        return [f"{self.prefix}r{place}" for place in range(6)]

    def name(self, ending: str = "") -> str:
        return f"{self.dataset}_{self.prefix}{ENDINGS[self.dataset]}{ending}"

    def lines(self) -> list[str]:
        """The good rows as text; some names are quoted and hold delimiters, quotes and line breaks."""
        if self.dataset == "messages":
            return [
                json.dumps(
                    {"id": id_, "talk": f"t{id_}", "at": "2024-04-30 10:00:00", "by": "customer", "text": "hi é"}
                )
                for id_ in self.ids
            ]
        names = ["Ann", '"Smith, Jo"', '"say ""x"""', '"two\nlines"', "Zoë", '5" nails']
        self.chance.shuffle(names)
        return [f"{id_},2024-04-30 10:00:00,{name},1980-01-01" for id_, name in zip(self.ids, names, strict=True)]

    def text(self, lines: list[str], header: str = HEADER) -> bytes:
        rows = lines if self.dataset == "messages" else [header, *lines]
        return ("\n".join(rows) + "\n").encode()

    def good(self) -> bytes:
        rows = [{"id": id_, "at": "2024-04-30 10:00:00", "name": self.prefix, "state": "open"} for id_ in self.ids]
        if self.dataset == "products":
            target = io.BytesIO()
            pq.write_table(pa.Table.from_pylist(rows), target, compression=self.chance.choice(["none", "zstd"]))
            return target.getvalue()
        if self.dataset == "tickets":
            fields = [{"name": name, "type": "string"} for name in rows[0]]
            schema = {"type": "record", "name": "ticket", "fields": fields}
            target = io.BytesIO()
            fastavro.writer(target, schema, rows, codec=self.chance.choice(["null", "deflate"]), sync_interval=1)
            return target.getvalue()
        return self.text(self.lines())

    def whole(self, name: str, data: bytes) -> Iterator[Landed]:
        """A file that must be set aside as a whole: it counts as one row."""
        yield name, data, Fate(refused=self.ids, quarantined=1)

    def one_row(self, change: Callable[[str], bytes]) -> Iterator[Landed]:
        """One row is changed so that it alone must be quarantined."""
        place = self.chance.randrange(6)
        lines = [line.encode() for line in self.lines()]
        lines[place] = change(lines[place].decode())
        header = [] if self.dataset == "messages" else [HEADER.encode()]
        bad = self.ids[place]
        fate = Fate([id_ for id_ in self.ids if id_ != bad], [bad], quarantined=1)
        yield self.name(), b"\n".join([*header, *lines]) + b"\n", fate

    def plain(self, id_: str, name: str = "Ann", born: str = "1980-01-01", at: str = "2024-04-30 10:00:00") -> str:
        return f"{id_},{at},{name},{born}"

    def packed(self, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in entries:
                archive.writestr(name, data)
        return target.getvalue()


@dataclass(frozen=True)
class Kind:
    dataset: str
    inject: Callable[[Delivery], Iterator[Landed]]


KINDS: dict[str, Kind] = {}


def _kind(name: str, dataset: str = "contacts") -> Callable[[Callable[[Delivery], Iterator[Landed]]], None]:
    def add(inject: Callable[[Delivery], Iterator[Landed]]) -> None:
        KINDS[name] = Kind(dataset, inject)

    return add


def _damaged(line: str, byte: bytes, chance: random.Random) -> bytes:
    """A byte inside the name, so that the row's id stays readable.

    Not at the start of a line or after a comma: there it could be what was left of a quote, and then the whole file
    is rightly set aside.
    """
    row = line.encode()
    start = row.index(b"00:00,") + 7
    place = chance.choice([at for at in range(start, row.index(b",1980")) if row[at - 1 : at] not in b"\n,"])
    return row[:place] + byte + row[place:]


@_kind("F7 same bytes under another name")
def _(d: Delivery) -> Iterator[Landed]:
    data = d.good()
    yield d.name(), data, Fate(d.ids)
    yield d.name().replace(".csv", "_z.csv"), data, Fate(duplicates=6)


@_kind("F7 rows of an earlier file again")
def _(d: Delivery) -> Iterator[Landed]:
    # of rows that share a key the one that arrived first, by day, stays
    lines = d.lines()
    yield d.name(), d.text(lines), Fate(d.ids, days_late=1)
    yield (
        d.name().replace(".csv", "_a.csv"),
        d.text([*lines[3:], d.plain(f"{d.prefix}new")]),
        Fate([f"{d.prefix}new"], duplicates=3),
    )


@_kind("F7 a row twice in one file", "messages")
def _(d: Delivery) -> Iterator[Landed]:
    lines = d.lines()
    yield d.name(), d.text([*lines, d.chance.choice(lines)]), Fate(d.ids, duplicates=1)


@_kind("F8 eight days late")
def _(d: Delivery) -> Iterator[Landed]:
    lines = [d.plain(id_, at=f"{d.day - dt.timedelta(days=9)} 10:00:00") for id_ in d.ids]
    yield d.name(), d.text(lines), Fate(d.ids, days_late=8)


@_kind("F9 cut gzip")
def _(d: Delivery) -> Iterator[Landed]:
    data = gzip.compress(d.good())
    yield from d.whole(d.name(".gz"), data[: d.chance.randrange(4, len(data) - 1)])


@_kind("F9 damaged gzip")
def _(d: Delivery) -> Iterator[Landed]:
    data = bytearray(gzip.compress(d.good()))
    data[-d.chance.randrange(1, 9)] ^= 1 << d.chance.randrange(8)  # checksum or length
    yield from d.whole(d.name(".gz"), bytes(data))


@_kind("F9 cut zstd", "messages")
def _(d: Delivery) -> Iterator[Landed]:
    data = zstandard.ZstdCompressor().compress(d.good())
    yield from d.whole(d.name(".zst"), data[: d.chance.randrange(5, len(data) - 1)])


@_kind("F9 cut zip")
def _(d: Delivery) -> Iterator[Landed]:
    data = d.packed((d.name(), d.good()))
    yield from d.whole(d.name(".zip"), data[: d.chance.randrange(4, len(data) - 1)])


@_kind("F9 bad UTF-8 in a row")
def _(d: Delivery) -> Iterator[Landed]:
    yield from d.one_row(lambda line: _damaged(line, d.chance.choice([b"\xff", b"\xe9x", b"\xc0\x80"]), d.chance))


@_kind("F9 NUL in a row")
def _(d: Delivery) -> Iterator[Landed]:
    yield from d.one_row(lambda line: _damaged(line, b"\0", d.chance))


@_kind("F9 bad UTF-8 in a JSON line", "messages")
def _(d: Delivery) -> Iterator[Landed]:
    yield from d.one_row(lambda line: line.replace("hi", "h\udcff").encode(errors="surrogateescape"))


@_kind("F9 a byte that may have been a quote")
def _(d: Delivery) -> Iterator[Landed]:
    # if it was one, it reaches to the odd quote of a later row, and no row between them is what it seems
    first, later = sorted(d.chance.sample(range(6), 2))
    lines = [d.plain(id_) for id_ in d.ids]
    lines[first] = d.plain(d.ids[first], "\0Ann")
    lines[later] = d.plain(d.ids[later], '5" nails')
    yield from d.whole(d.name(), d.text(lines).replace(b"\0", d.chance.choice([b"\0", b"\xff", b"\xa2"])))


@_kind("F9 torn Parquet", "products")
def _(d: Delivery) -> Iterator[Landed]:
    data = d.good()
    yield from d.whole(d.name(), data[: d.chance.randrange(1, len(data) - 1)])


@_kind("F9 damaged Parquet footer", "products")
def _(d: Delivery) -> Iterator[Landed]:
    data = bytearray(d.good())
    data[-d.chance.randrange(1, 9)] ^= 1 << d.chance.randrange(8)  # length of the footer or magic number
    yield from d.whole(d.name(), bytes(data))


@_kind("F9 good Parquet", "products")
def _(d: Delivery) -> Iterator[Landed]:
    yield d.name(), d.good(), Fate(d.ids)


@_kind("F9 cut or damaged Avro", "tickets")
def _(d: Delivery) -> Iterator[Landed]:
    data = d.good()
    cut = data[: len(data) - d.chance.randrange(1, 40)]
    damaged = data[:-17] + bytes([data[-17] ^ 0xFF]) + data[-16:-1] + bytes([data[-1] ^ 1])
    yield from d.whole(d.name(), d.chance.choice([cut, damaged]))


@_kind("F9 good Avro", "tickets")
def _(d: Delivery) -> Iterator[Landed]:
    yield d.name(), d.good(), Fate(d.ids)


@_kind("F9 header in another encoding")
def _(d: Delivery) -> Iterator[Landed]:
    yield from d.whole(d.name(), d.text(d.lines(), HEADER + ",ü").replace("ü".encode(), b"\xfc"))


@_kind("F9 UTF-16 with byte order mark")
def _(d: Delivery) -> Iterator[Landed]:
    yield d.name(), d.good().decode().encode("utf-16"), Fate(d.ids)


@_kind("F9 UTF-8 with byte order mark, CR LF")
def _(d: Delivery) -> Iterator[Landed]:
    yield d.name(), b"\xef\xbb\xbf" + d.good().replace(b"\n", b"\r\n"), Fate(d.ids)


@_kind("F9 lines end with CR alone")
def _(d: Delivery) -> Iterator[Landed]:
    yield d.name(), d.good().replace(b"\n", b"\r"), Fate(d.ids)


@_kind("F9 field over its cap")
def _(d: Delivery) -> Iterator[Landed]:
    yield from d.one_row(lambda line: d.plain(line.split(",")[0], "x" * (1_100_000)).encode())


@_kind("F9 record over its cap", "messages")
def _(d: Delivery) -> Iterator[Landed]:
    yield from d.one_row(lambda line: line.replace("hi", "x" * 2_200_000).encode())


@_kind("F9 quote never closed")
def _(d: Delivery) -> Iterator[Landed]:
    place = d.chance.randrange(6)
    lines = [d.plain(id_) for id_ in d.ids]
    lines[place] = d.plain(d.ids[place], '"Ann')
    yield from d.whole(d.name(), d.text(lines))


@_kind("F9 stray quote in a quoted field")
def _(d: Delivery) -> Iterator[Landed]:
    yield from d.one_row(lambda line: d.plain(line.split(",")[0], '"5" nails"').encode())


@_kind("F9 two stray quotes that join lines")
def _(d: Delivery) -> Iterator[Landed]:
    lines = [d.plain(id_) for id_ in d.ids]
    place = d.chance.randrange(5)
    lines[place] = d.plain(d.ids[place], '"Ann')
    lines[place + 1] = d.plain(d.ids[place + 1], '"Ann')
    yield from d.whole(d.name(), d.text(lines))


@_kind("F9 too many or too few fields")
def _(d: Delivery) -> Iterator[Landed]:
    yield from d.one_row(lambda line: d.chance.choice([line + ",x", line.split(",")[0]]).encode())


@_kind("F9 empty file")
def _(d: Delivery) -> Iterator[Landed]:
    # all empty files have the same bytes, so this one has as many line breaks as its number
    yield from d.whole(d.name(), b"\n" * (1 + int(d.prefix[1:])))


@_kind("F9 header only")
def _(d: Delivery) -> Iterator[Landed]:
    yield d.name(), f"{HEADER},{d.prefix}\n".encode(), Fate()


@_kind("F9 line cut off", "messages")
def _(d: Delivery) -> Iterator[Landed]:
    yield from d.one_row(lambda line: line[: d.chance.randrange(1, len(line) - 1)].encode())


@_kind("F9 NaN, comma at the end or a field twice", "messages")
def _(d: Delivery) -> Iterator[Landed]:
    endings = [', "n": NaN}', ",}", ', "text": "other"}', ', "x": {"a": 1, "a": 2}}', ', "n": -Infinity}']
    yield from d.one_row(lambda line: (line[:-1] + d.chance.choice(endings)).encode())


@_kind("F9 nested too deeply", "messages")
def _(d: Delivery) -> Iterator[Landed]:
    levels = d.chance.choice([101, 1000, 100_000])
    yield from d.one_row(lambda line: (line[:-1] + ', "x": ' + "[" * levels + "]" * levels + "}").encode())


@_kind("F9 number beyond all", "messages")
def _(d: Delivery) -> Iterator[Landed]:
    numbers = ["1e400", "9" * 400, "-1E+309", "9" * 6000]
    yield from d.one_row(lambda line: (line[:-1] + f', "n": {d.chance.choice(numbers)}' + "}").encode())


@_kind("F10 still being uploaded")
def _(d: Delivery) -> Iterator[Landed]:
    yield d.name(".part"), d.good()[:50], Fate(refused=d.ids)
    yield "." + d.name(), d.good(), Fate(refused=d.ids)


@_kind("F10 replaced after it was read")
def _(d: Delivery) -> Iterator[Landed]:
    lines = d.lines()
    yield d.name(), d.text(lines), Fate(d.ids)
    more = [d.plain(f"{d.prefix}new{place}") for place in range(2)]
    yield d.name(), d.text([*lines[2:], *more]), Fate([f"{d.prefix}new0", f"{d.prefix}new1"], duplicates=4)


@_kind("F11 column of another kind")
def _(d: Delivery) -> Iterator[Landed]:
    values = d.chance.choice([["yes", "no"], ["17.5", "3"], ["true", "false"]])
    yield from d.whole(d.name(), d.text([d.plain(id_, born=d.chance.choice(values)) for id_ in d.ids]))


@_kind("F11 value that was never there", "messages")
def _(d: Delivery) -> Iterator[Landed]:
    yield from d.one_row(lambda line: line.replace('"customer"', d.chance.choice(['"robot"', '"Zoé"', "7"])).encode())


@_kind("F11 column added")
def _(d: Delivery) -> Iterator[Landed]:
    lines = [d.plain(id_) + ",x" for id_ in d.ids]
    yield d.name(), d.text(lines, f"{HEADER},more_{d.prefix}"), Fate(d.ids)


@_kind("F11 column missing")
def _(d: Delivery) -> Iterator[Landed]:
    lines = [d.plain(id_).rsplit(",", 1)[0] for id_ in d.ids]
    yield from d.whole(d.name(), d.text(lines, HEADER.rsplit(",", 1)[0]))


@_kind("F11 column renamed or in other capitals")
def _(d: Delivery) -> Iterator[Landed]:
    header = HEADER.replace("born", d.chance.choice(["borns", "Born", "BORN"]))
    yield from d.whole(d.name(), d.text(d.lines(), header))


@_kind("F11 columns in another order")
def _(d: Delivery) -> Iterator[Landed]:
    lines = [",".join(reversed(d.plain(id_).split(","))) for id_ in d.ids]
    yield d.name(), d.text(lines, ",".join(reversed(HEADER.split(",")))), Fate(d.ids)


@_kind("F11 column twice")
def _(d: Delivery) -> Iterator[Landed]:
    yield from d.whole(d.name(), d.text([line + ",x" for line in d.lines()], HEADER + ",name"))


@_kind("F17 leap day")
def _(d: Delivery) -> Iterator[Landed]:
    lines = [d.plain(id_, born="2000-02-29") for id_ in d.ids[:5]]
    bad = d.plain(d.ids[5], born="1999-02-29")
    yield d.name(), d.text([*lines, bad]), Fate(d.ids[:5], d.ids[5:], quarantined=1)


@_kind("F17 year 1 and 9999")
def _(d: Delivery) -> Iterator[Landed]:
    lines = [d.plain(id_) for id_ in d.ids[:4]]
    bad = [d.plain(d.ids[4], born="0001-01-01"), d.plain(d.ids[5], born="9999-12-31")]
    yield d.name(), d.text([*lines, *bad]), Fate(d.ids[:4], d.ids[4:], quarantined=2)


@_kind("F17 a moment that comes twice, zones far away")
def _(d: Delivery) -> Iterator[Landed]:
    moments = ["2023-10-29 02:30:00", "2024-04-30T10:00:00+14:00", "2024-04-30T10:00:00-12:00", "2024-02-29 23:59:59"]
    yield d.name(), d.text([d.plain(id_, at=d.chance.choice(moments)) for id_ in d.ids]), Fate(d.ids)


@_kind("F17 an hour that the clock skips, a host in another zone")
def _(d: Delivery) -> Iterator[Landed]:
    written, moment = d.chance.choice(
        [
            ("2024-03-31 02:30:00", dt.datetime(2024, 3, 31, 1, 30, tzinfo=dt.UTC)),
            ("2024-03-31 03:00:00", dt.datetime(2024, 3, 31, 1, 0, tzinfo=dt.UTC)),
            ("2023-10-29 00:30:00", dt.datetime(2023, 10, 28, 22, 30, tzinfo=dt.UTC)),
            ("2024-01-01 00:00:00", dt.datetime(2023, 12, 31, 23, 0, tzinfo=dt.UTC)),
            ("2024-04-01T00:30:00-12:00", dt.datetime(2024, 4, 1, 12, 30, tzinfo=dt.UTC)),
        ]
    )
    yield d.name(), d.text([d.plain(id_, at=written) for id_ in d.ids]), Fate(d.ids, moment=moment)


@_kind("F18 cells that are formulas")
def _(d: Delivery) -> Iterator[Landed]:
    cells = ["=1+1", "+31612345678", "-1", "@x", "=HYPERLINK(1)", '"\t=1"']
    yield d.name(), d.text([d.plain(id_, cell) for id_, cell in zip(d.ids, cells, strict=True)]), Fate(d.ids)


@_kind("F19 zip bomb")
def _(d: Delivery) -> Iterator[Landed]:
    bomb = d.packed((d.name(), d.good() + b"\n" * (65 << 20) + d.prefix.encode()))
    yield from d.whole(d.name(".zip"), bomb)


@_kind("F19 gzip bomb", "messages")
def _(d: Delivery) -> Iterator[Landed]:
    yield from d.whole(d.name(".gz"), gzip.compress(d.good() + b"\n" * (65 << 20), 1))


@_kind("F19 path that leaves the archive")
def _(d: Delivery) -> Iterator[Landed]:
    path = d.chance.choice(["../", "/", "a/../../", "C:/"]) + d.name()
    yield from d.whole(d.name(".zip"), d.packed((path, d.good())))


@_kind("F19 link in the archive")
def _(d: Delivery) -> Iterator[Landed]:
    link = zipfile.ZipInfo(d.name())
    link.create_system, link.external_attr = 3, 0o120777 << 16
    yield from d.whole(d.name(".zip"), d.packed((link, d.prefix.encode())))


@_kind("F19 Windows device in the archive")
def _(d: Delivery) -> Iterator[Landed]:
    yield from d.whole(d.name(".zip"), d.packed((d.chance.choice(["NUL", "con.csv", "x/LPT1.csv"]), d.good())))


@_kind("F19 archive in an archive")
def _(d: Delivery) -> Iterator[Landed]:
    yield from d.whole(d.name(".zip"), d.packed(("inner.zip", d.packed((d.name(), d.good())))))


@_kind("F19 more files than allowed in the archive")
def _(d: Delivery) -> Iterator[Landed]:
    yield from d.whole(d.name(".zip"), d.packed(*((f"{number}.csv", d.good()) for number in range(101))))


@_kind("F19 archive that lies about a size")
def _(d: Delivery) -> Iterator[Landed]:
    data = bytearray(d.packed((d.name(), d.good())))
    data[data.rindex(b"PK\1\2") + d.chance.choice([16, 24])] ^= 1
    yield from d.whole(d.name(".zip"), bytes(data))


@_kind("F19 name with a split accent")
def _(d: Delivery) -> Iterator[Landed]:
    yield d.name().replace(".csv", unicodedata.normalize("NFD", "_é.csv")), d.good(), Fate(d.ids)


def _orders(d: Delivery, *partners: str) -> Iterator[Landed]:
    """The partners that six orders look up, and the orders."""
    yield f"states_{d.prefix}.csv", "\n".join(["id,label", *partners, ""]).encode(), Fate(looked_up=True)
    rows = [f"{id_},2024-04-30 10:00:00,{d.prefix}s{place % 2},10.00" for place, id_ in enumerate(d.ids)]
    yield d.name(), "\n".join(["id,at,state_id,total", *rows, ""]).encode(), Fate(d.ids)


@_kind("F20 lookup with partners twice, and of nobody", "orders")
def _(d: Delivery) -> Iterator[Landed]:
    yield from _orders(d, f"{d.prefix}s0,Won", f"{d.prefix}s0,Won", f"{d.prefix}s1,Lost", ",Won", f"{d.prefix}s9,Won")


@_kind("F20 lookup without a partner", "orders")
def _(d: Delivery) -> Iterator[Landed]:
    yield from _orders(d, f"{d.prefix}s{d.chance.randrange(2)},Won")


def _baskets(d: Delivery, items: list[object], fate: Fate) -> Iterator[Landed]:
    """Two orders with so many items; a third without a list."""
    half = len(items) // 2
    at = "2024-04-30 10:00:00"
    lists = [{"id": f"{d.prefix}{n}", "at": at, "items": some} for n, some in enumerate((items[:half], items[half:]))]
    empty = {"id": f"{d.prefix}2", "at": at, "items": d.chance.choice([[], None])}
    yield d.name(), "".join(json.dumps(one) + "\n" for one in (*lists, empty)).encode(), fate


@_kind("F20 list to rows", "order_lines")
def _(d: Delivery) -> Iterator[Landed]:
    many = [f"{id_}x{number}" for id_ in d.ids for number in range(10)]
    yield from _baskets(d, [{"sku": one} for one in many], Fate(many, records=(2, 0), left_out=1))


@_kind("F20 list to rows with an item that is none", "order_lines")
def _(d: Delivery) -> Iterator[Landed]:
    items: list[object] = [{"sku": id_} for id_ in d.ids]
    place = d.chance.randrange(6)
    items[place] = d.chance.choice([{"sku": None}, {}, {"sku": ""}])
    good = [id_ for id_ in d.ids if id_ != d.ids[place]]
    yield from _baskets(d, items, Fate(good, [d.ids[place]], records=(1, 1), left_out=1))
