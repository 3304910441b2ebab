"""`klantreis match`: find which records of any files are one person or company, without a lake or configuration."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli.console import console, show
from jobs.config.wrong import CommandError, nearest

if TYPE_CHECKING:
    import pandas as pd

    from jobs.config.identity import Matching
    from jobs.identity.matching.link_records import Linked

YAML = (".yaml", ".yml")


def match(
    files: Annotated[list[Path], typer.Argument(help="CSV (any of , ; tab |; compressed or not) or Parquet files.")],
    kinds: Annotated[
        str | None,
        typer.Option(
            help="What the columns are: column=kind,... or a YAML file of column: kind; default: by their names."
        ),
    ] = None,
    id_column: Annotated[
        str | None, typer.Option("--id", help="Column with the id of a record; default: its number in the file.")
    ] = None,
    unique: Annotated[
        bool, typer.Option("--unique", help="No file has anyone twice: link only between files.")
    ] = False,
    threshold: Annotated[float, typer.Option("--match", help="Probability from which two records are one.")] = 0.5,
    truth: Annotated[
        str | None,
        typer.Option(help="Column that says who a record is: never looked at, only used to tell how good it is."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write record, file and cluster to this CSV file.")] = None,
) -> None:
    """Find which records of one or several files are the same person, with the settings a new company starts with."""
    from jobs.cli.record_files import RECORD, read_files
    from jobs.identity.matching.link_records import link_records

    started = time.monotonic()
    settings = _settings(threshold)
    if out:
        _check_out(out, files)
    tables = read_files(files, id_column)
    if unique:
        if len(tables) < 2:
            raise CommandError(["--unique links between files: name at least two"])
        settings = settings.model_copy(update={"deduplicated": list(tables)})
    known = _known(tables, truth)
    not_told = {column for column in (id_column, truth) if column}
    told = _told(tables, kinds, not_told)
    linked = link_records(tables, told, settings, key=RECORD)
    _print(linked, settings, time.monotonic() - started)
    if known is not None:
        _print_quality(linked, known)
    if out:
        _write(out, linked, tables)


def _settings(threshold: float) -> Matching:
    from jobs.config.identity import Matching

    if not 0 < threshold < 1:
        raise CommandError([f"--match {threshold:g}: a probability lies between 0 and 1, such as 0.5"])
    return Matching(match=threshold, review=min(0.2, threshold))


def _check_out(out: Path, files: list[Path]) -> None:
    if not out.parent.is_dir():
        raise CommandError([f"--out {out}: the folder {out.parent} does not exist"])
    if any(out.resolve() == path.resolve() for path in files):
        raise CommandError([f"--out {out}: this is one of the files to read; write to another one"])


def _known(tables: Mapping[str, pd.DataFrame], truth: str | None) -> pd.Series | None:
    """Who each record is, by record; all null for a file without the column."""
    import pandas as pd

    from jobs.cli.record_files import RECORD, require_column

    if truth is None:
        return None
    if not any(truth in rows for rows in tables.values()):
        require_column(", ".join(tables), pd.DataFrame(columns=_columns(tables)), truth, "--truth")
    parts = [rows.set_index(RECORD)[truth] for rows in tables.values() if truth in rows]
    return pd.concat(parts)


def _columns(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """The columns of all files, those added on reading left out."""
    from jobs.cli.record_files import FILE, ID, RECORD

    every = dict.fromkeys(str(column) for rows in tables.values() for column in rows)
    return [column for column in every if column not in (RECORD, FILE, ID)]


def _told(tables: Mapping[str, pd.DataFrame], kinds: str | None, not_told: set[str]) -> dict[str, dict[str, str]]:
    """Of each file, what its columns are; printed as a table."""
    from jobs.identity.matching.kinds import guess_kinds, names_unused

    columns = [column for column in _columns(tables) if column not in not_told]
    every = _given(kinds, columns, not_told) if kinds else guess_kinds(columns)
    told = {name: {c: kind for c, kind in every.items() if c in rows} for name, rows in tables.items()}
    shown = [
        [column, every.get(column, "not used"), ", ".join(name for name, rows in tables.items() if column in rows)]
        for column in columns
    ]
    heading = "Columns" if kinds else "Columns, guessed by their names; say it better with --kinds"
    show(heading, ["column", "is", "in"], shown)
    if not set(every.values()) - {"ignore"}:
        raise CommandError(
            [f"{', '.join(tables)}: no column is known to tell who a record is; say it: --kinds {_example(columns)}"]
        )
    for name, rows in {} if kinds else tables.items():
        unused = names_unused([column for column in columns if column in rows], told[name].values())
        if unused:
            console.print(
                f"{name}: no column is taken for a name. If one of {', '.join(unused)} is: "
                f"--kinds {unused[0]}=full_name (or given_name, family_name), with the kinds above",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
    return told


def _example(columns: list[str]) -> str:
    return ",".join(f"{column}={kind}" for column, kind in zip(columns, ("full_name", "email"), strict=False))


def _given(kinds: str, columns: list[str], not_told: set[str]) -> dict[str, str]:
    """Column to kind as `--kinds` says. Raises ConfigError with the place for columns and kinds that do not exist."""
    from pydantic import RootModel

    from jobs.config.yaml_files import line_of, load
    from jobs.identity.matching.kinds import KINDS

    path = Path(kinds) if kinds.lower().endswith(YAML) else None
    pairs = load(path, RootModel[dict[str, str]]).root if path else _pairs(kinds)
    problems = []
    for column, kind in pairs.items():
        place = f"{path}:{line_of(path, column)}" if path else "--kinds"
        name = kind.partition(":")[0]
        if column in not_told:
            problems.append(f"{place}: column {column!r} is the id or the truth and cannot tell who a record is")
        elif column not in columns:
            problems.append(f"{place}: no file has a column {column!r}{nearest(column, columns)}")
        elif name not in KINDS:
            problems.append(f"{place}: column {column!r}: unknown kind {name!r}{nearest(name, KINDS)}")
    if problems:
        raise CommandError(problems)
    return pairs


def _pairs(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        column, sign, kind = (piece.strip() for piece in part.rpartition("="))
        if not (column and sign and kind):
            raise CommandError(
                [f"--kinds: {part!r} is not column=kind; write it as surname=family_name, or name a .yaml file"]
            )
        if column in found:
            raise CommandError([f"--kinds: column {column!r} is there twice; keep one"])
        found[column] = kind
    return found


def _print(linked: Linked, settings: Matching, seconds: float) -> None:
    sizes = linked.records.groupby("group").size()
    group = linked.records.set_index("record")["group"]
    likely = linked.pairs[linked.pairs["weight"] >= settings.weight]
    joined = int((likely["left"].map(group).to_numpy() == likely["right"].map(group).to_numpy()).sum())
    rows: list[tuple[str, object]] = [
        ("records", len(linked.records)),
        ("pairs scored", linked.compared),
        ("links", joined),
        ("clusters", len(sizes)),
        ("of more than one record", int((sizes > 1).sum())),
        ("records in the largest", int(sizes.max()) if len(sizes) else 0),
        ("seconds", float(seconds)),
    ]
    show("Found", ["", ""], rows)
    cut = [[f"likely pairs: {reason}", int(count)] for reason, count in linked.cut["reason"].value_counts().items()]
    cut += [
        [f"{row.slot} of too many people: not used, values", int(row.values)]
        for row in linked.hubs.itertuples(index=False)
    ]
    if len(linked.rules):
        left = linked.rules[~linked.rules["used"].astype(bool)]
        cut += [
            [f"pairs not looked up by {row.keys}: too many", int(row.pairs)] for row in left.itertuples(index=False)
        ]
    if cut:
        show("Kept apart or left out", ["what", "how many"], cut)


def _print_quality(linked: Linked, known: pd.Series) -> None:
    from jobs.identity.matching.quality import quality

    found = quality(linked.records["group"], linked.records["record"].map(known))
    show(
        f"Against the truth, over all pairs of {found.records:,} records",
        ["precision", "recall", "F1", "entities found", "entities true"],
        [[*(f"{value:.4f}" for value in (found.precision, found.recall, found.f1)), found.found, found.true]],
    )


def _write(out: Path, linked: Linked, tables: Mapping[str, pd.DataFrame]) -> None:
    import pandas as pd

    from jobs.cli.record_files import FILE, ID, RECORD
    from jobs.validate.replay.csv_export import write_rows

    given = pd.concat([rows[[RECORD, FILE, ID]] for rows in tables.values()], ignore_index=True)
    cluster = linked.records.set_index("record")["group"]
    rows = given.assign(cluster=given[RECORD].map(cluster))[[ID, FILE, "cluster"]]
    try:
        with out.open("w", newline="", encoding="utf-8") as target:
            count = write_rows(target, ["record", "file", "cluster"], rows.itertuples(index=False, name=None))
    except OSError as error:
        raise CommandError([f"--out {out}: cannot be written ({type(error).__name__})"]) from None
    console.print(f"{count:,} records with their cluster are in {out}", highlight=False, soft_wrap=True)
