"""One delivery of hostile files through the real ingest and validation: each has the fate it must have.

What single readers make of such files is in test_readers.py, test_archives.py and test_avro_files.py.
"""

import csv
import dataclasses
import gzip
import io
import stat
import zipfile

import pytest
import zstandard
from typer.testing import CliRunner

from jobs.cli.main import app
from jobs.identity.spelling import email_text
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step
from jobs.validate.replay.csv_export import write_rows

HEADER = "id,updated,email,name,born\n"
MB = 1 << 20


def row(id_, name="Ann", born="", email="", updated="2024-04-30"):
    return f"{id_},{updated},{email},{name},{born}\n"


def csv_of(*rows):
    return (HEADER + "".join(rows)).encode()


def zipped(*entries):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return target.getvalue()


def link(name):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


def lying(data, field):
    """An archive whose list says another size or checksum."""
    place = data.rindex(b"PK\1\2") + field
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def encrypted(data):
    place = data.rindex(b"PK\1\2") + 8
    return data[:place] + bytes([data[place] | 1]) + data[place + 1 :]


ROWS = {
    "bom.csv": (b"\xef\xbb\xbf" + csv_of(row("b1")), (1, 1, 0, 0), []),
    "utf16.csv": (csv_of(row("b2", "Zoë")).decode().encode("utf-16"), (1, 1, 0, 0), []),
    "nul.csv": (csv_of(row("n1"), row("n2", "A\0nn"), row("n3")), (3, 2, 1, 0), [(3, "record:nul")]),
    "mixed.csv": (
        csv_of(row("m1", "Zoë")) + row("m2", "Zoë").encode("cp1252") + row("m3").encode(),
        (3, 2, 1, 0),
        [(3, "record:encoding")],
    ),
    "ten_mb.csv": (csv_of(row("t1"), row("t2", "x" * 10 * MB)), (2, 1, 1, 0), [(3, "record:size")]),
    "stray.csv": (csv_of(row("s1", '"5" nails"'), row("s2", '5" nails')), (2, 1, 1, 0), [(2, "record:quotes")]),
    "fields.csv": (csv_of("f1,x\n", row("f2")), (2, 1, 1, 0), [(2, "record:fields")]),
    "header_only.csv": (csv_of(), (0, 0, 0, 0), []),
    "years.csv": (
        csv_of(*(row(f"y{n}", born=born) for n, born in enumerate(("0001-01-01", "9999-12-31", "1900-02-28")))),
        (3, 1, 2, 0),
        [(2, "birth_date"), (3, "birth_date")],
    ),
    "moments.csv": (
        csv_of(row("z1", updated="0001-01-01 00:00:00"), row("z2", updated="9999-12-31T23:59:59-12:00"), row("z3")),
        (3, 1, 2, 0),
        [(2, "updated_at"), (3, "updated_at")],
    ),
}
NAMES = [
    *(
        "<img src=x onerror=alert(1)>.csv",
        "'\"`.csv",
        "%s%20%n.csv",
        "..csv",
        "\u202evsc.csv",
        "?#*[a].csv",
        "\\back.csv",
    ),
    *("{{7*7}} ${x} [red].csv", " =cmd|' .csv", "x" * 242 + ".csv", "é" * 121 + ".csv"),
]
"""Of files, each an attack on something that shows it, or as long as a name can be (255 bytes)."""
SHOWN = (["quarantine", "list", "--by", "file"], ["quarantine", "show"], ["quarantine", "files"], ["report"])
GOOD = csv_of(row("whole"))
BROKEN = {
    "empty.csv": (b"", "empty"),
    "twice.csv": (GOOD.replace(b"name", b"email", 1), "'email' is in the header twice"),
    "open.csv": (csv_of(row("whole", '"Ann'), row("whole2")), "never closed"),
    "join.csv": (csv_of(row("whole", '"Ann'), row("whole2", '"Bo')), "swallows the lines"),
    "torn.csv.gz": (gzip.compress(GOOD * 9)[:-9], "cut off"),
    "torn.csv.zst": (zstandard.ZstdCompressor().compress(GOOD * 9)[:-3], "cut off"),
    "torn.csv.zip": (zipped(("a.csv", GOOD))[:-9], "not a readable zip"),
    "ratio.csv.gz": (gzip.compress(GOOD + b"\n" * 3 * MB), "expands to more than 2 MB"),
    "ratio.csv.zip": (zipped(("a.csv", GOOD + b"\n" * 3 * MB)), "holds 3 MB"),
    "nested.csv.zip": (zipped(("inner.zip", zipped(("a.csv", GOOD)))), "inside an archive is not opened"),
    "climbs.csv.zip": (zipped(("../../climbed.csv", GOOD)), "leaves the archive"),
    "absolute.csv.zip": (zipped(("/tmp/absolute.csv", GOOD)), "leaves the archive"),
    "link.csv.zip": (zipped((link("a.csv"), "/etc/passwd")), "link"),
    "device.csv.zip": (zipped(("COM1.csv", GOOD)), "Windows device"),
    "encrypted.csv.zip": (encrypted(zipped(("a.csv", GOOD))), "encrypted"),
    "size.csv.zip": (lying(zipped(("a.csv", GOOD)), 24), "another size"),
    "checksum.csv.zip": (lying(zipped(("a.csv", GOOD)), 16), "another checksum"),
    "many.csv.zip": (zipped(*((f"{n}.csv", b"") for n in range(51))), "more than 50 files"),
}
AS_RECEIVED = {
    "formulas": ["=1+1", "+31612345678", "-1", "@SUM(A1)", "\t=1", "=HYPERLINK(1)", "＝1"],
    "emails": [
        "paypal@example.com",
        "p\u0430yp\u0430l@example.com",  # Cyrillic
        "pay\u200bpal@example.com",  # zero-width space
        "pay\u202epal@example.com",  # right-to-left override
        "PAYPAL@example.com",
        "paypal+x@example.com",
    ],
}


@pytest.fixture
def delivered(company, land, day):
    """`delivered(files)` lands them, takes them in once, and gives the lake."""

    def deliver(files, **limits):
        for name, data in files.items():
            land(f"crm/2024-05-01/contacts_{name}", data)
        general = company.general
        limited = general.model_copy(update={"limits": general.limits.model_copy(update=limits)})
        given = dataclasses.replace(company, general=limited)
        load.run("crm", day("2024-05-01"), given)
        step.run("crm", day("2024-05-01"), given)
        return Lake.of(given)

    return deliver


def fates(lake):
    """path -> (rows in, accepted, quarantined, duplicates), and path -> [(line, rules, reason)]."""
    paths = {one["file_id"]: one["path"].split("contacts_")[-1] for one in lake.arrow("ops/files").to_pylist()}
    names = ("rows_in", "accepted", "quarantined", "duplicates")
    counts = {paths[one["file_id"]]: tuple(one[name] for name in names) for one in lake.arrow("ops/counts").to_pylist()}
    refused = {}
    for one in sorted(lake.arrow("quarantine/rows").to_pylist(), key=lambda one: one["line"]):
        refused.setdefault(paths[one["file_id"]], []).append((one["line"], one["rules"], one["reason"]))
    return counts, refused


def test_of_a_damaged_file_only_the_damaged_rows_are_set_aside(delivered):
    counts, refused = fates(delivered({name: data for name, (data, _, _) in ROWS.items()}))
    assert counts == {name: count for name, (_, count, _) in ROWS.items()}
    found = {name: [(line, rules[0].split(":")) for line, rules, _ in rows] for name, rows in refused.items()}
    for name, (_, _, expected) in ROWS.items():
        there = [(line, ":".join(rule) if rule[0] == "record" else rule[0]) for line, rule in found.get(name, [])]
        assert there == expected, name
    assert all(reason for rows in refused.values() for _, _, reason in rows)


def test_a_file_that_cannot_be_trusted_is_set_aside_as_a_whole(delivered, tmp_path):
    lake = delivered({name: data for name, (data, _) in BROKEN.items()}, archive_files=50, expanded_mb=2)
    counts, refused = fates(lake)
    assert counts == dict.fromkeys(BROKEN, (1, 0, 1, 0))
    for name, (_, reason) in BROKEN.items():
        ((line, rules, told),) = refused[name]
        assert (line, rules) == (0, ["file:broken"]), name
        assert reason in told, name
    assert lake.rows("valid/contacts") == lake.rows("raw/crm_contacts") == 0
    assert not [path for path in tmp_path.rglob("*") if path.name in ("climbed.csv", "absolute.csv", "a.csv")]


def test_formulas_look_alikes_and_names_of_files_load_as_received_and_are_harmless_where_people_read_them(
    delivered, company, tmp_path
):
    formulas = (row(f"c{n}", f'"{cell}"') for n, cell in enumerate(AS_RECEIVED["formulas"]))
    emails = (row(f"e{n}", email=email) for n, email in enumerate(AS_RECEIVED["emails"]))
    named = {name: csv_of(row(f"a{n}"), row(f"b{n}"), "torn,x\n", row(f"d{n}")) for n, name in enumerate(NAMES)}
    lake = delivered({"cells.csv": csv_of(*formulas), "emails.csv": csv_of(*emails), **named})
    rows = lake.arrow("valid/contacts", columns=["contact_id", "first_name", "email"]).to_pylist()
    there = {one["contact_id"]: (one["first_name"], one["email"]) for one in rows}
    without_blanks = [cell.strip() for cell in AS_RECEIVED["formulas"]]  # which are no part of a value
    assert [there[f"c{n}"][0] for n in range(len(AS_RECEIVED["formulas"]))] == without_blanks
    assert [there[f"e{n}"][1] for n in range(len(AS_RECEIVED["emails"]))] == AS_RECEIVED["emails"]
    plain, cyrillic, *invisible, capitals, plus = map(email_text, AS_RECEIVED["emails"])
    assert {plain, *invisible, capitals} == {"paypal@example.com"}
    assert len({plain, cyrillic, plus}) == 3
    exported = io.StringIO(newline="")
    write_rows(exported, ["name"], [(cell,) for cell in AS_RECEIVED["formulas"]])
    exported.seek(0)
    assert [cell for (cell,) in list(csv.reader(exported))[1:]] == [f"'{cell}" for cell in AS_RECEIVED["formulas"]]

    counts, refused = fates(lake)
    assert {name: counts[name] for name in NAMES} == dict.fromkeys(NAMES, (4, 3, 1, 0))
    torn = {name: [(line, rules) for line, rules, _ in rows] for name, rows in refused.items()}
    assert torn == {name: [(4, ["record:fields"])] for name in NAMES}
    named = [f"--row=crm/2024-05-01/contacts_{name}:4" for name in NAMES]
    target, page = tmp_path / "to_correct.csv", tmp_path / "page.html"
    commands = [*SHOWN, ["quarantine", "export", "--to", str(target), *named], ["report", "--html", str(page)]]
    told = [CliRunner().invoke(app, [*words, "--config", str(company.folder)]) for words in commands]
    assert [(one.exit_code, one.exception) for one in told] == [(0, None)] * len(commands)
    assert [set("\x1b\u202e") & set(one.output) for one in told] == [set()] * len(commands)
    with target.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(NAMES), "each row is found by the name of its file"
    pages = [page, *(company.home / "var" / "data_docs").rglob("*.html")]
    assert [one.name for one in pages if "<img src=x" in one.read_text()] == []
