"""Contact files of the CRM of the ingest tests, and what became of their rows."""

HEADER = "id,updated,email,name,born\n"


def contacts(*rows):
    return HEADER + "".join(",".join(row) + "\n" for row in rows)


def ann(number=1, updated="2024-05-01", email="", name="Ann", born=""):
    return (str(number), updated, email, name, born)


def counts(lake):
    """path -> (rows in, accepted, quarantined, duplicates)"""
    paths = {row["file_id"]: row["path"].removeprefix("crm/") for row in lake.arrow("ops/files").to_pylist()}
    return {
        paths[row["file_id"]]: (row["rows_in"], row["accepted"], row["quarantined"], row["duplicates"])
        for row in lake.arrow("ops/counts").to_pylist()
    }


def quarantined(lake):
    """(line, rule) of each quarantined row."""
    rows = lake.arrow("quarantine/rows", columns=["line", "rule"]).to_pylist()
    return sorted((row["line"], row["rule"]) for row in rows)
