"""Files in zip archives: each is a file of its own, and an archive that no honest tool packs is set aside whole."""

import io
import struct
import unicodedata
import zipfile

import pytest
import zstandard

from jobs.config.sources.formats import Limits
from jobs.ingest import load
from jobs.ingest.formats import compression
from jobs.ingest.formats.archives import content, expanded, members
from jobs.ingest.formats.content import BrokenFile
from tests.ingest.crm_company import CONTACTS

HEADER = "id,updated,email,name,born\n"
ANN, BO = HEADER + "1,2024-05-01,,Ann,\n", HEADER + "2,2024-05-01,,Bo,\n"


def archive(*entries, method=zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of (name or ZipInfo, content)."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as file:
        for name, text in entries:
            file.writestr(name, text)
    return target.getvalue()


def read(data: bytes, limits: Limits) -> list[bytes]:
    return [b"".join(content(data, member, limits)) for member in members(data, limits)]


def refused(data: bytes, **limits) -> str:
    with pytest.raises(BrokenFile) as error:
        read(data, Limits(**limits))
    return str(error.value)


@pytest.fixture
def archives(company, settings):
    """A company whose contacts are inside archives."""
    crm = {**CONTACTS, "datasets": {"contacts": CONTACTS["datasets"]["contacts"]}}
    crm["datasets"]["contacts"] = {**crm["datasets"]["contacts"], "files": "{day}/export*.zip/données/c*.csv"}
    return settings({"sources/crm.yaml": crm})


def states(lake):
    return {row["path"]: (row["state"], row["rows_in"]) for row in lake.arrow("ops/files").to_pylist()}


def test_members_that_match_are_files_of_their_own_whatever_their_unicode_form(archives, land, company_lake, day):
    folder = unicodedata.normalize("NFD", "données")
    packed = archive((f"{folder}/c1.csv", ANN), (f"{folder}/c2.csv", BO), ("readme.txt", "hello"), ("__MACOSX/c", "x"))
    land("crm/2024-05-01/export.zip", packed)
    assert load.run("crm", day("2024-05-01"), archives)["unclaimed"] == 1
    assert states(company_lake) == {
        "crm/2024-05-01/export.zip/données/c1.csv": ("loaded", 1),
        "crm/2024-05-01/export.zip/données/c2.csv": ("loaded", 1),
    }
    assert load.run("crm", day("2024-05-01"), archives)["files"] == 0


def test_a_member_sent_again_in_another_archive_is_a_duplicate(archives, land, company_lake, day):
    land("crm/2024-05-01/export.zip", archive(("données/c1.csv", ANN)))
    land("crm/2024-05-02/export.zip", archive(("données/c1.csv", ANN), ("données/c2.csv", BO)))
    load.run("crm", day("2024-05-02"), archives)
    assert sorted(states(company_lake).values()) == [("duplicate", 1), ("loaded", 1), ("loaded", 1)]


def test_an_archive_that_cannot_be_trusted_is_one_quarantined_file(archives, land, company_lake, day):
    land("crm/2024-05-01/export.zip", archive(("données/c1.csv", ANN), ("../../etc/c2.csv", BO)))
    land("crm/2024-05-01/export_good.zip", archive(("données/c2.csv", BO)))
    assert load.run("crm", day("2024-05-01"), archives)["set_aside"] == 1
    (row,) = company_lake.arrow("quarantine/rows").to_pylist()
    assert (row["path"], row["line"]) == ("crm/2024-05-01/export.zip", 0)
    assert "leaves the archive" in row["reason"]
    assert company_lake.rows("raw/crm_contacts") == 1


def test_one_damaged_member_does_not_take_the_others_with_it(archives, land, company_lake, day):
    data = bytearray(archive(("données/c1.csv", ANN), ("données/c2.csv", BO), method=zipfile.ZIP_STORED))
    data[data.index(b"Ann")] = ord("B")
    land("crm/2024-05-01/export.zip", bytes(data))
    load.run("crm", day("2024-05-01"), archives)
    assert sorted(states(company_lake).values()) == [("loaded", 1), ("quarantined", 1)]
    assert "checksum" in company_lake.arrow("quarantine/rows").to_pylist()[0]["reason"]


@pytest.mark.parametrize(
    "name",
    ["../x.csv", "a/../../x.csv", "/etc/x.csv", "C:/x.csv", "c:x.csv", "a\\..\\x.csv", "..", "a//x.csv", "a\x01.csv"],
)
def test_a_name_that_leaves_the_archive_or_is_no_name_sets_it_aside(name):
    info = zipfile.ZipInfo("placeholder")
    info.filename = info.orig_filename = name
    assert "entry 2 of the archive" in refused(archive(("good.csv", ANN), (info, ANN)))


@pytest.mark.parametrize("name", ["CON", "nul.csv", "a/COM1.txt", "lpt9", "AUX .csv", "con. "])
def test_a_windows_device_sets_the_archive_aside(name):
    assert "Windows device" in refused(archive((name, ANN)))


def test_a_link_sets_the_archive_aside():
    link = zipfile.ZipInfo("contacts.csv")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    assert "link" in refused(archive((link, "/etc/passwd")))


def test_an_encrypted_entry_sets_the_archive_aside():
    data = bytearray(archive(("a.csv", ANN)))
    data[data.index(b"PK\1\2") + 8] |= 1
    assert "encrypted" in refused(bytes(data))


def test_two_entries_of_one_name_set_the_archive_aside():
    with pytest.warns(UserWarning, match="Duplicate"):
        data = archive(("a.csv", ANN), ("a.csv", BO))
    assert "same name" in refused(data)
    assert "same name" in refused(archive(("é.csv", ANN), (unicodedata.normalize("NFD", "é.csv"), BO)))


def test_more_entries_than_allowed_set_the_archive_aside_before_they_are_listed():
    assert "more than 3 files" in refused(archive(*((f"{n}.csv", "") for n in range(4))), archive_files=3)


@pytest.mark.slow
def test_a_million_entries_are_refused_by_the_length_of_the_list(tmp_path):
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0)
    listing = b"".join(entry + b"%06d" % number for number in range(1_000_000))
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(listing), 0, 0)
    assert "more than 10,000 files" in refused(listing + end)


def test_a_bomb_is_stopped_while_it_expands(monkeypatch):
    monkeypatch.setattr(compression, "HONEST", 1 << 20)
    assert "more than 500 times its size" in refused(archive(("a.csv", b"\0" * (16 << 20))))


def test_the_sum_of_all_members_counts():
    assert "holds 3 MB" in refused(archive(*((f"{n}.csv", b"1" * (1 << 20)) for n in range(3))), expanded_mb=2)


def test_members_that_share_their_bytes_are_a_bomb():
    data = archive(("a.csv", ANN), ("b.csv", ANN))
    second = data.rindex(b"PK\1\2")
    assert "overlap" in refused(data[: second + 42] + struct.pack("<L", 0) + data[second + 46 :])


@pytest.mark.parametrize(("field", "what"), [(24, "size"), (16, "checksum")])
def test_a_list_that_lies_about_a_member_is_found_out(field, what):
    data = bytearray(archive(("a.csv", ANN)))
    data[data.index(b"PK\1\2") + field] ^= 1
    assert f"another {what}" in refused(bytes(data))


@pytest.mark.parametrize("cut", [1, 10, 30, 60, 100])
def test_a_truncated_archive_is_broken(cut):
    assert "zip" in refused(archive(("a.csv", ANN * 9))[:-cut])


@pytest.mark.parametrize("name", ["inner.zip", "inner.tar.gz", "book.xlsx", "contacts.csv.gz"])
def test_archives_in_archives_are_not_opened(name):
    assert "inside an archive is not opened" in refused(archive((name, "x")))


def test_a_zip_that_a_pattern_names_itself_is_read_if_it_holds_one_data_file(company, land, company_lake, day):
    land("crm/2024-05-01/contacts.csv.zip", archive(("contacts.csv", ANN), (".DS_Store", "x")))
    land("crm/2024-05-01/contacts2.csv.zip", archive(("a.csv", ANN), ("b.csv", BO)))
    load.run("crm", day("2024-05-01"), company)
    assert set(states(company_lake).values()) == {("loaded", 1), ("quarantined", 1)}
    assert "2 data files" in company_lake.arrow("quarantine/rows").to_pylist()[0]["reason"]


def test_zstd_of_several_frames_is_one_file_and_a_cut_or_damaged_one_is_broken():
    packer = zstandard.ZstdCompressor()
    data = packer.compress(ANN.encode()) + packer.compress(b"2,2024-05-01,,Bo,\n")

    def expand(data):
        return b"".join(expanded("a.csv.zst", data, Limits()))

    assert expand(data) == (ANN + "2,2024-05-01,,Bo,\n").encode()
    with pytest.raises(BrokenFile, match="cut off"):
        expand(data[:-3])
    with pytest.raises(BrokenFile, match="damaged near byte 0"):
        expand(b"xx" + data)


def test_a_zstd_bomb_is_stopped_while_it_expands(monkeypatch):
    monkeypatch.setattr(compression, "HONEST", 1 << 20)
    bomb = zstandard.ZstdCompressor().compress(b"\0" * (200 << 20))
    with pytest.raises(BrokenFile, match="expands"):
        for _ in expanded("a.zst", bomb, Limits()):
            pass


def test_members_read_back_as_they_were():
    assert read(archive(("a.csv", ANN), ("b.csv", BO)), Limits()) == [ANN.encode(), BO.encode()]
