"""`klantreis match` on any files: what it finds, what it writes, and what it says when it cannot."""

import csv
import re
import sys

import pandas as pd
import pytest

from jobs.cli.main import main
from tests.shared_data import folder

CRM = """id,first_name,last_name,birth_date,email,who
1,Ann,Bos,1980-02-01,ann@x.nl,ann
2,Ann,Bos,1980-02-01,ann@x.nl,ann
3,Jan,Vos,1971-07-09,jan@y.nl,jan
"""
SHOP = """id;voornaam;achternaam;geboortedatum;email;who
1;Anne;Bos;01-02-1980;ann@x.nl;ann
2;Piet;Kok;03-04-1990;piet@z.nl;piet
"""


@pytest.fixture
def match(tmp_path, monkeypatch, capsys, wide_screen):
    """Run the command in a folder with these files: `(exit code, output, errors)`."""

    def run(*arguments, **files):
        for name, text in files.items():
            path = tmp_path / name.replace("_csv", ".csv").replace("_yaml", ".yaml")
            path.write_text(text, encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["klantreis", "match", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    return run


def cells(output, first):
    """The cells after `first` in the row of a printed table that starts with it."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if "│" in line]
    return next(row[1:] for row in rows if row[0] == first)


def clusters(path):
    """Groups of (file, record) as a written file tells them."""
    found = {}
    for row in csv.DictReader(path.open(encoding="utf-8", newline="")):
        found.setdefault(row["cluster"], set()).add((row["file"], row["record"]))
    return sorted(map(sorted, found.values()))


def test_records_of_two_files_with_other_columns_and_delimiters_are_joined(match, tmp_path):
    code, output, errors = match("crm.csv", "shop.csv", "--id", "id", "--out", "told.csv", crm_csv=CRM, shop_csv=SHOP)
    assert (code, errors) == (0, "")
    assert clusters(tmp_path / "told.csv") == [
        [("crm", "1"), ("crm", "2"), ("shop", "1")],
        [("crm", "3")],
        [("shop", "2")],
    ]
    assert cells(output, "records") == ["5"]
    assert cells(output, "pairs scored") == ["10"]
    assert cells(output, "links") == ["3"]
    assert cells(output, "clusters") == ["3"]
    assert cells(output, "records in the largest") == ["3"]


def test_the_guess_is_shown_for_every_column(match):
    _, output, _ = match("crm.csv", "shop.csv", "--id", "id", crm_csv=CRM, shop_csv=SHOP)
    assert cells(output, "voornaam") == ["given_name", "shop"]
    assert cells(output, "email") == ["email", "crm, shop"]
    assert cells(output, "who") == ["not used", "crm, shop"]


def test_it_is_asked_which_column_holds_names_if_none_is_known_to(match):
    code, out, _ = match("a.csv", a_csv="id,[wie],email\n1,Ann Bos,ann@x.nl\n2,Jan Vos,jan@y.nl\n")
    assert code == 0
    assert "a: no column is taken for a name. If one of [wie] is: --kinds [wie]=full_name" in out
    _, out, _ = match("a.csv", a_csv="id,Nachname,email\n1,Bos,ann@x.nl\n2,Vos,jan@y.nl\n")
    assert "taken for a name" not in out


def test_the_truth_is_measured_and_never_looked_at(match):
    mixed = "name,email,email_of_truth\nAnn Bos,ann@x.nl,a\nAnn Bos,ann@x.nl,b\nPiet Kok,piet@z.nl,b\n"
    code, output, _ = match("mixed.csv", "--truth", "email_of_truth", mixed_csv=mixed)
    assert code == 0
    with pytest.raises(StopIteration):
        cells(output, "email_of_truth")
    # joined is the first pair, true is the last two records
    assert cells(output, "0.0000") == ["0.0000", "0.0000", "2", "2"]


def test_the_truth_says_how_good_it_is(match):
    _, output, _ = match("crm.csv", "shop.csv", "--id", "id", "--truth", "who", crm_csv=CRM, shop_csv=SHOP)
    assert cells(output, "1.0000") == ["1.0000", "1.0000", "3", "3"]


def test_files_without_duplicates_are_only_linked_between(match, tmp_path):
    arguments = ("crm.csv", "shop.csv", "--id", "id", "--unique", "--out", "told.csv")
    code, _, _ = match(*arguments, crm_csv=CRM, shop_csv=SHOP)
    assert code == 0
    assert max(map(len, clusters(tmp_path / "told.csv"))) == 2
    assert not any({("crm", "1"), ("crm", "2")} <= set(group) for group in clusters(tmp_path / "told.csv"))


def test_kinds_can_be_told_on_the_line_or_in_a_file(match, tmp_path):
    odd = "a,b\nann@x.nl,1\nann@x.nl,2\njan@y.nl,3\n"
    by_line = match("odd.csv", "--kinds", "a=email,b=ignore", "--out", "line.csv", odd_csv=odd)
    by_file = match("odd.csv", "--kinds", "kinds.yaml", "--out", "file.csv", odd_csv=odd, kinds_yaml="a: email\n")
    assert (by_line[0], by_file[0]) == (0, 0)
    assert clusters(tmp_path / "line.csv") == [[("odd", "1"), ("odd", "2")], [("odd", "3")]]
    assert clusters(tmp_path / "file.csv") == clusters(tmp_path / "line.csv")


def test_parquet_keeps_numbers_as_they_are_written(match, tmp_path):
    people = pd.DataFrame({"phone": [612345678, 612345678, None], "born": pd.to_datetime(["1980-02-01"] * 2 + [None])})
    people.to_parquet(tmp_path / "people.parquet")
    code, _, _ = match("people.parquet", "--out", "told.csv")
    assert code == 0
    assert clusters(tmp_path / "told.csv") == [[("people", "1"), ("people", "2")], [("people", "3")]]


def test_a_formula_in_an_id_is_not_run_by_a_spreadsheet(match, tmp_path):
    evil = 'key,email\n"=1+1",ann@x.nl\nb,jan@y.nl\n'
    match("evil.csv", "--id", "key", "--out", "told.csv", evil_csv=evil)
    assert (tmp_path / "told.csv").read_text().splitlines()[1] == '"\'=1+1","evil","\'=1+1"'


def test_a_name_that_looks_like_nothing_stays_a_name(match, tmp_path):
    """`NA` and `null` are family names; only an empty cell is missing."""
    from jobs.cli.record_files import read_files

    (tmp_path / "names.csv").write_text("last_name,x\nNA,1\nnull,\n")
    rows = read_files([tmp_path / "names.csv"], None)["names"]
    assert rows["last_name"].tolist() == ["NA", "null"]
    assert rows["x"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.csv"], "gone.csv: the file does not exist"),
        (["crm.csv", "crm.csv"], "crm.csv: this file is named twice"),
        (["crm.csv", "--kinds", "first_name=givenname"], "unknown kind 'givenname'; did you mean 'given_name'?"),
        (["crm.csv", "--kinds", "first=given_name"], "no file has a column 'first'; did you mean 'first_name'?"),
        (["crm.csv", "--kinds", "kinds.yaml"], "kinds.yaml:2: column 'email': unknown kind 'mail'"),
        (["crm.csv", "--kinds", "email"], "'email' is not column=kind"),
        (["crm.csv", "--kinds", "who=text", "--truth", "who"], "column 'who' is the id or the truth"),
        (["crm.csv", "--id", "idd"], "crm.csv: --id: there is no column 'idd'; did you mean 'id'?"),
        (["crm.csv", "--id", "who"], "1 records have the id of an earlier one, first record 2"),
        (["crm.csv", "--truth", "whom"], "--truth: there is no column 'whom'; did you mean 'who'?"),
        (["crm.csv", "--unique"], "--unique links between files: name at least two"),
        (["crm.csv", "--match", "1.5"], "--match 1.5: a probability lies between 0 and 1"),
        (["crm.csv", "--out", "no/where.csv"], "the folder no does not exist"),
        (["crm.csv", "--out", "crm.csv"], "this is one of the files to read"),
        (["odd.csv"], "no column is known to tell who a record is; say it: --kinds a=full_name,b=email"),
        (["empty.csv"], "empty.csv: the file is empty"),
        (["ragged.csv"], "ragged.csv: not readable as CSV"),
        (["broken.csv.gz"], "broken.csv.gz: cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_to_do(match, arguments, message):
    files = {"odd_csv": "a,b\n1,2\n", "empty_csv": "", "ragged_csv": "email,b\nx@y.nl,1,2\n"}
    more = {"kinds_yaml": "first_name: given_name\nemail: mail\n", "broken_csv.gz": "no gzip"}
    code, _, errors = match(*arguments, crm_csv=CRM, **files, **more)
    assert code == 2
    assert message in re.sub(r"\s+", " ", errors)


@pytest.mark.slow
def test_the_first_febrl_set_by_one_command(match):
    path = folder("identity_febrl") / "febrl_dataset1.csv.gz"
    code, output, _ = match(path, "--id", "rec_id", "--truth", "entity_id")
    line = next(line for line in output.splitlines()[::-1] if re.search(r"│ [01]\.\d{4} ", line))
    precision, recall, f1, _, true = (cell.strip() for cell in line.split("│")[1:-1])
    assert code == 0
    assert float(f1) >= 0.995
    assert min(float(precision), float(recall)) >= 0.99
    assert true == "500"
