"""Tables of who is who."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

TABLES: tuple[Dataset, ...] = (
    Dataset(
        "identity/map",
        "one identifier",
        ("identifier",),
        columns("""
        identifier string keyed hash of kind and value
        kind string contact, email, phone, login, cookie or loyalty
        customer_id string the customer it belongs to
        first_seen date the day it first arrived
        sources array<string> sources it occurs in
    """),
        scope="state",
    ),
    Dataset(
        "identity/events",
        "one change of a customer id",
        ("event_id",),
        columns("""
        event_id string id of the change
        day date the day it happened
        type string created, merged or split
        customer_id string the customer that goes on
        other_customer_id string the customer that ended (merged) or began (split)
        reason string the kinds of links that began, joined or parted them, steward, deleted or too_many_records
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "identity/links",
        "one link between two identifiers since one day",
        ("left", "right", "rule", "first_seen"),
        columns("""
        left string keyed hash of one identifier, as in identity/map
        left_kind string its kind
        right string keyed hash of the other
        right_kind string its kind
        rule string why they belong together: the kind that tells least, probabilistic, or steward
        weight double for a link by probability: log2 of the odds that both are one person
        probability double the same as a probability
        first_seen date the day the evidence arrived
        until date the day it ended or was cut, empty if it is used
        state string used, ended (evidence no longer holds) or cut (by a decision, or for too many records)
        reason string why it ended or was cut
    """),
        scope="state",
    ),
    Dataset(
        "identity/set_aside",
        "one identifier that links nobody",
        ("identifier",),
        columns("""
        identifier string keyed hash of kind and value, as in identity/map
        kind string its kind
        reason string shared (by too many), disputed (by people who cannot be one) or too_many_records (tied together)
        since date the day from which it links nobody
    """),
        scope="state",
    ),
    Dataset(
        "identity/decisions",
        "one decision of a data steward",
        ("decision_id",),
        columns("""
        decision_id string fingerprint of the records, the verdict, who gave it and when
        left! string one record, as source:contact_id
        right! string the other record
        decision string same or different
        by string who decided
        on date when it was decided
        because string why
        place string file and line below config/, or Airflow
        applied date the first day it counted: that of the decision, or the day both records were there
        effect string what it does today: merged, split, none, waiting (for a record or its day) or overruled
        as_of date data up to and including this day
    """),
        scope="state",
    ),
    Dataset(
        "identity/review",
        "one pair of contact records that may be one person, or were likely to be but are kept apart",
        ("left", "right"),
        columns("""
        left string one record, as source:contact_id
        right string the other record
        probability double probability that they are one person
        weight double the same as log2 of the odds, after conflicts
        agrees string how they agree, level by level
        status string review (a person should look), or cut: and why they were kept apart
        first_seen date the day both had arrived
    """),
        scope="state",
    ),
    Dataset(
        "identity/standing",
        "one day that who is who stands at (the newest only)",
        ("as_of",),
        columns("""
        as_of date data up to and including this day
        settings string fingerprint of configuration, code and key; under another one all is built anew
        inputs string tables that were read and their versions, as JSON
        steps string tables that were written and the id of the step that last did, as JSON
    """),
        scope="state",
    ),
    Dataset(
        "identity/sightings",
        "one combination of values that occurs in rows of one source",
        ("sighting",),
        columns("""
        sighting string keyed hash of the values
        cluster string smallest identifier of all that is tied to those of this row, directly or through others
        contact string keyed hash of the contact id, as in identity/map
        login string that of the login
        email string that of the e-mail address
        phone string that of the phone
        loyalty string that of the loyalty card
        cookie string that of the cookie
        source string source of the rows
        first_seen date the day it first arrived
        rows bigint rows it occurs in
        ignored bigint values that identify nobody, summed over the rows
        described boolean whether it is of contact records
        claim boolean whether it tells what a contact of a source that joins only those it is alike would have
        first_name! string for contacts: the first name as it is compared, letters only
        last_name! string the last name as it is compared
        birth_date! date date of birth
    """),
        scope="state",
    ),
    Dataset(
        "identity/prepared",
        "one version of a contact record, spelled as it is compared",
        ("row",),
        columns("""
        row string keyed hash of the version
        contact string the contact: identifier in identity/map
        name! string the same as source:contact_id
        source string source of the record
        first_seen date the day the version first arrived
        birth_date! string date of birth in eight digits
        gender! string f or m
        address! string street and number
        postcode! string postcode, letters and digits
        city! string town
        email! string e-mail address
        phone! string digits of the phone number
        given! string first of the first names, in lower case
        middle! string further first names
        family! string last name
        generation! string such as jr or iii
        given_forms! array<string> names it is short for
        given_known! boolean whether it is a well-known first name
        one_name boolean true if the first name is the only name, and counts as last name too
        given_sound! string what it sounds like
        given_first! string its first letter
        family_core! string last name without particles
        family_sound! string what it sounds like
        family_start! string its first three letters
        email_root! string address without dots and tags
        email_user! string what is before the @ in that
        phone_end! string last seven digits
        birth_month! string year and month of birth
        birth_year! string year of birth
        birth_day! string month and day of birth
        birth_mixed! string date of birth with month and day in order of size
        postcode_start! string first three characters
        address_words! array<string> words of the address
        address_text! string the words as one text
        address_numbers! array<string> words with digits
        address_start! string shortest number and longest word
        name_pair! string first and last name in alphabetical order
    """),
        scope="state",
    ),
)
