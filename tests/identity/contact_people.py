"""Versions of contact records of made-up people, as matching by probability takes them."""

import numpy as np
import pandas as pd

from jobs.config.identity import Matching
from tests.identity.matching import people

MATCHING = Matching(match=0.9)
COLUMNS = ["first_name", "last_name", "birth_date", "gender", "street", "postcode", "city", "email", "phone"]


def versions(*records):
    """Versions of contacts: `contact`, `day`, and any of the columns that tell something."""
    frame = pd.DataFrame(records).rename(columns={"day": "first_seen"})
    frame = frame.reindex(columns=["contact", "source", *COLUMNS, "first_seen"]).assign(name=lambda v: v["contact"])
    frame["source"] = frame["source"].fillna("crm")
    frame["row"] = ["|".join(map(str, values)) for values in frame[["contact", *COLUMNS]].to_numpy()]
    ordered = frame.sort_values(["first_seen", "contact", *COLUMNS], na_position="first", ignore_index=True)
    return ordered.astype({"first_seen": np.int32})


def population(days):
    """Contacts of made-up households in two systems, spread over days by their place."""
    systems = people.four_systems(17, 120)
    crm = systems["crm"].rename(
        columns={
            "FirstName": "first_name",
            "LastName": "last_name",
            "Birthdate": "birth_date",
            "MailingStreet": "street",
            "MailingPostalCode": "postcode",
            "MailingCity": "city",
            "Phone": "phone",
            "Email": "email",
        }
    )
    shop = systems["shop"].assign(
        first_name=lambda rows: rows["name"].str.split().str[0], last_name=lambda rows: rows["name"].str.split().str[-1]
    )
    shop = shop.rename(columns={"address": "street", "mobile": "phone"})
    both = pd.concat([crm.assign(source="crm"), shop.assign(source="shop")], ignore_index=True)
    told = both.drop(columns=["person", "name"]).astype(object).where(both.notna(), None)
    return versions(
        *[
            {**row, "contact": f"{row['source']}:{place}", "day": days[place % len(days)]}
            for place, row in enumerate(told.to_dict("records"))
        ]
    )


ANN = {"first_name": "Annetta", "last_name": "Zuiderwijk", "street": "Dorpsstraat 1", "postcode": "2611 AB"}
