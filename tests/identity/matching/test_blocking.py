"""Which pairs are looked at. Under a second."""

import duckdb

from jobs.identity.matching import blocking


def test_records_of_ids_alone_make_no_pairs_however_many_they_are():
    con = duckdb.connect()
    many = blocking.EVERY_PAIR_UP_TO + 1
    con.execute(f"create table records as select n as unique_id, 'crm:' || n as name from range({many}) t(n)")
    rules, report = blocking.choose(con, "records", ["unique_id", "name"], 10, 1000)
    assert (rules, report.to_dict("records")) == ([], [])
