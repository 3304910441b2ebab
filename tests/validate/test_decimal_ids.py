"""Ids that became numbers with decimals are told, with how many rows and what they are taken for."""

from jobs.validate.rules.broken import Tally
from jobs.validate.told.decimal_ids import told


def test_ids_with_decimals_are_told_over_all_files_of_a_batch():
    one = Tally(9, 0, {"contact_id:decimals": (9, 2), "login_id:decimals": (9, 1), "email:regex": (9, 3)})
    other = Tally(5, 0, {"contact_id:decimals": (5, 3), "login_id:decimals": (5, 0)})
    text = told({"a": one, "b": other})
    assert text is not None
    assert text.startswith(
        "5 rows have a contact_id and 1 rows have a login_id with decimals, such as 101.0: it is taken"
    )


def test_a_batch_of_whole_ids_says_nothing():
    assert told({"a": Tally(9, 4, {"contact_id:decimals": (9, 0), "email:regex": (9, 4)})}) is None
