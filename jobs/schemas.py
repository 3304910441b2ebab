"""Every table of the lake: its grain, key, columns and what they mean.

A table is named ``zone/dataset``. This module is the only owner of table shapes: the lake checks each
write against it, `klantreis tables` prints it and `docs/reference/tables.md` is generated from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql.types import StructType

Scope = Literal["append", "state", "day"]
"""How a table grows: `append` only adds keys, `state` is replaced as a whole, `day` is replaced day by day."""


@dataclass(frozen=True)
class Column:
    """One column. `type` is a Spark SQL type; `personal` marks data that identifies a person."""

    name: str
    type: str
    meaning: str
    personal: bool = False


@dataclass(frozen=True)
class Dataset:
    """One table: `grain` says what a row is, `key` the columns that make a row unique."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    scope: Scope = "append"
    day_column: str | None = None
    open: bool = False  # the configuration adds columns

    @property
    def zone(self) -> str:
        return self.name.split("/")[0]

    @property
    def short_name(self) -> str:
        return self.name.split("/")[1]

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]

    def ddl(self) -> str:
        """The columns as a Spark SQL schema string."""
        return ", ".join(f"`{column.name}` {column.type}" for column in self.columns)

    def spark_schema(self) -> StructType:
        from pyspark.sql import types as T

        return T.StructType([T.StructField(c.name, _spark_type(c.type), True) for c in self.columns])

    def arrow_schema(self) -> pa.Schema:
        import pyarrow as pa

        return pa.schema([pa.field(c.name, _arrow_type(c.type), True) for c in self.columns])


def _spark_type(name: str):  # type: ignore[no-untyped-def]
    from pyspark.sql import types as T

    plain = {
        "string": T.StringType(),
        "int": T.IntegerType(),
        "bigint": T.LongType(),
        "double": T.DoubleType(),
        "boolean": T.BooleanType(),
        "date": T.DateType(),
        "timestamp": T.TimestampType(),
        "decimal(18,2)": T.DecimalType(18, 2),
    }
    if name.startswith("array<"):
        return T.ArrayType(_spark_type(name[6:-1]), True)
    return plain[name]


def _arrow_type(name: str) -> pa.DataType:
    import pyarrow as pa

    plain = {
        "string": pa.string(),
        "int": pa.int32(),
        "bigint": pa.int64(),
        "double": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "decimal(18,2)": pa.decimal128(18, 2),
    }
    if name.startswith("array<"):
        return pa.list_(_arrow_type(name[6:-1]))
    return plain[name]


def spark_type_name(type_: pa.DataType) -> str:
    """The Spark SQL type of an Arrow type that a table can have."""
    names = ("string", "int", "bigint", "double", "boolean", "date", "timestamp", "decimal(18,2)")
    return next(name for name in names if _arrow_type(name) == type_)


def _columns(text: str) -> tuple[Column, ...]:
    """Parse one column a line: ``name type meaning``; a ``!`` after the name marks personal data."""
    columns = []
    for line in text.strip().splitlines():
        name, type_, meaning = line.split(maxsplit=2)
        columns.append(Column(name.rstrip("!"), type_, meaning, personal=name.endswith("!")))
    return tuple(columns)


LINEAGE = _columns("""
source string the source this row came from, as named in config/sources/
file_id string the file it came from: key into ops/files
line bigint the line of that file (first line is 1), or the row number for files without lines
arrived date the day its file landed
""")

PERSON = _columns("""
contact_id string id of the person in this source
email! string e-mail address as received
phone! string phone number as received
login_id! string account name or id used to log in, shared by web shop and app
cookie_id! string browser or device id
loyalty_id! string loyalty card number
""")


def _canonical(name: str, grain: str, key: tuple[str, ...], columns: str, person: bool = True) -> Dataset:
    """A dataset that sources map to: the given columns, the person it concerns, attributes, lineage."""
    own = _columns(columns)
    names = {column.name for column in own}
    people = tuple(c for c in PERSON if c.name not in names) if person else ()
    extra = _columns("attributes string further columns of the source, as a JSON object")
    return Dataset(f"valid/{name}", grain, ("source", *key), (*own, *people, *extra, *LINEAGE))


CANONICAL: dict[str, Dataset] = {
    d.short_name: d
    for d in (
        _canonical(
            "contacts",
            "one version of one contact in one source",
            ("contact_id", "updated_at"),
            """
            contact_id string id of the contact in this source
            updated_at timestamp when this version was written
            created_at timestamp when the contact was first written
            first_name! string given name
            last_name! string family name
            birth_date! date date of birth
            gender string gender as recorded
            street! string street and house number
            postcode! string postal code
            city string city
            country string country, ISO 3166-1 alpha-2
            language string language, ISO 639-1
            household_id string household the contact belongs to
        """,
        ),
        _canonical(
            "consents",
            "one version of one answer of one contact about one purpose and channel",
            ("consent_id", "changed_at"),  # an answer changed in place at the source must never pass for a duplicate
            """
            consent_id string id of the answer in this source
            purpose string what the data may be used for, a purpose of config/identity.yaml
            channel string by which channel, a channel of config/identity.yaml
            status string granted or withdrawn
            changed_at timestamp when the person answered
            expires_at timestamp when the answer ends, empty for never
            proof string where the answer is recorded, such as a form version
        """,
        ),
        _canonical(
            "orders",
            "one version of one order",
            ("order_id", "updated_at"),
            """
            order_id string id of the order in this source
            updated_at timestamp when this version was written
            ordered_at timestamp when the customer ordered
            status string completed, cancelled, returned or open
            channel string where it was placed: store, web, app or phone
            store_id string the shop, for store orders
            currency string ISO 4217 code
            total decimal(18,2) amount paid, tax included
            discount decimal(18,2) discount given
        """,
        ),
        _canonical(
            "order_lines",
            "one product in one order",
            ("order_id", "line_id"),
            """
            order_id string the order
            line_id string number of the line in the order
            product_id string the product
            quantity double units bought, negative for a return
            amount decimal(18,2) amount paid for the line
            discount decimal(18,2) discount on the line
            ordered_at timestamp when the order was placed
        """,
            person=False,
        ),
        _canonical(
            "products",
            "one version of one product",
            ("product_id", "updated_at"),
            """
            product_id string id of the product in this source
            updated_at timestamp when this version was written
            name string product name
            category string category
            department string department, the level above category
            brand string brand
            price decimal(18,2) list price
        """,
            person=False,
        ),
        _canonical(
            "subscriptions",
            "one version of one subscription",
            ("subscription_id", "updated_at"),
            """
            subscription_id string id of the subscription in this source
            updated_at timestamp when this version was written
            plan string plan name
            status string active, paused, cancelled or expired
            started_at timestamp start
            ends_at timestamp contract end, empty for open end
            amount decimal(18,2) amount per period
            currency string ISO 4217 code
        """,
        ),
        _canonical(
            "survey_responses",
            "one answer to one survey question",
            ("response_id", "question_id"),
            """
            response_id string id of the filled-in survey
            question_id string id of the question
            survey_id string id of the survey
            kind string nps, csat, ces or text
            score double the answer as a number
            scale_max double highest possible score
            comment! string free text
            language string language of the text, ISO 639-1
            answered_at timestamp when it was answered
        """,
        ),
        _canonical(
            "conversations",
            "one version of one conversation",
            ("conversation_id", "updated_at"),
            """
            conversation_id string id of the conversation in this source
            updated_at timestamp when this version was written
            channel string chat, phone, e-mail or social
            opened_at timestamp first contact
            closed_at timestamp when it was closed, empty while open
            status string open or closed
            topic string subject, as labelled by the source
            csat double satisfaction 1 to 5 asked afterwards
        """,
        ),
        _canonical(
            "messages",
            "one message in one conversation",
            ("message_id",),
            """
            message_id string id of the message
            conversation_id string the conversation
            sent_at timestamp when it was sent
            author string customer, agent or bot
            text! string the text
        """,
        ),
        _canonical(
            "tickets",
            "one version of one service ticket",
            ("ticket_id", "updated_at"),
            """
            ticket_id string id of the ticket in this source
            updated_at timestamp when this version was written
            opened_at timestamp first contact
            resolved_at timestamp when it was solved, empty while open
            status string open, pending, solved or closed
            topic string subject
            priority string priority
        """,
        ),
        _canonical(
            "events",
            "one web or app event",
            ("event_id",),
            """
            event_id string id of the event
            occurred_at timestamp when it happened
            type string page_view, search, product_view, add_to_cart, remove_from_cart, checkout, purchase, ...
            url string page address without query string
            referrer string referring site
            utm_source string campaign source
            utm_medium string campaign medium
            utm_campaign string campaign name
            device string mobile, tablet or desktop
            query string search text
            product_id string product concerned
            order_id string order concerned
            value decimal(18,2) amount concerned
        """,
        ),
        _canonical(
            "campaign_events",
            "one contact moment of one campaign",
            ("event_id",),
            """
            event_id string id of the event
            campaign_id string the campaign
            channel string email, ad, mail or app
            type string impression, sent, delivered, open, click, bounce, complaint, unsubscribe or redeem
            occurred_at timestamp when it happened
            product_id string product concerned
        """,
        ),
        _canonical(
            "social_posts",
            "one version of one public post",
            ("post_id", "updated_at"),
            """
            post_id string id of the post
            updated_at timestamp when this version was written
            posted_at timestamp when it was posted
            network string the social network
            author! string author handle
            text! string the text
            likes bigint likes
            shares bigint shares
            comments bigint comments
        """,
        ),
    )
}

RAW = Dataset(
    "raw/*",
    "one record as received",
    ("arrived", "file_id", "line"),  # arrived adds nothing to the key, but spares looking at the files of other days
    (*_columns("record! string the record as received, as a JSON object of column to value"), *LINEAGE),
)


def raw(source: str, dataset: str) -> Dataset:
    """The raw table of one dataset of one source, for example ``raw/crm_contacts``."""
    return Dataset(f"raw/{source}_{dataset}", RAW.grain, RAW.key, RAW.columns)


OTHERS: tuple[Dataset, ...] = (
    Dataset(
        "ops/files",
        "one landed file",
        ("file_id",),
        _columns("""
        file_id string SHA-256 of source, dataset, path and content, first 32 hex digits
        source string the source
        dataset string the dataset it feeds
        path string path below the landing root
        arrived date the day it landed
        size bigint size in bytes
        modified timestamp when the file changed last, as its place tells
        version string what its place calls this content (S3 ETag, moment of change)
        sha256 string SHA-256 of the content
        state string loaded, quarantined (whole file), or duplicate (same content seen before)
        reason string why it was not loaded
        rows_in bigint rows found in the file; a file set aside as a whole counts as one row
    """),
    ),
    Dataset(
        "ops/file_events",
        "one thing that happened to one landed file",
        ("source", "dataset", "path", "sha256", "event", "day"),
        _columns("""
        day date the day of the run that saw it
        source string the source
        dataset string the dataset
        path string path below the landing root
        sha256 string SHA-256 of the content, empty where it was not read
        event string repeated, replaced, late, unfinished, withdrawn, returned or changed_columns
        detail string what was seen and what was done about it
    """),
        scope="append",
        day_column="day",
    ),
    Dataset(
        "ops/columns",
        "one source column of one landed file: the first of its dataset, or one whose columns differ from those before",
        ("file_id", "column"),
        _columns("""
        file_id string the file
        source string the source
        dataset string the dataset
        arrived date the day the file landed
        column string name of the column as the file writes it
        place int its place, from 1
        ordered boolean whether the place means something: columns of a header have an order, fields of JSON do not
        kind string number, boolean, date, timestamp, text, list, object or empty: what its values mostly are
        records bigint records that were looked at
        present bigint those of them that have the column
    """),
    ),
    Dataset(
        "ops/metrics",
        "one number about the rows of one landed file",
        ("arrived", "file_id", "metric", "column", "value"),
        _columns("""
        arrived date the day the rows arrived; its number is the mean over its files, weighted by rows
        source string the source
        dataset string the dataset
        file_id string the file
        metric string rows, empty_share, mean, or value_share
        column string the canonical column, empty for rows
        value string the value whose share it is, empty for the others
        number double the number
        rows bigint rows it is of: those of the file, for mean and value_share those with a value
    """),
    ),
    Dataset(
        "ops/pulls",
        "one pull of one dataset from a database or an API",
        ("source", "dataset", "path"),
        _columns("""
        source string the source
        dataset string the dataset
        path string the file it landed, below the landing root
        day date the day of the run that pulled
        since string value of the incremental column or moment it pulled from, empty for everything
        until string value or moment it pulled up to: the next pull begins there, less the overlap
        digest string sum of the SHA-256 of the rows a next pull sees again: equal means that it brings nothing new
        rows bigint rows pulled
        pulled_at timestamp when it was recorded
    """),
        scope="append",
        day_column="day",
    ),
    Dataset(
        "ops/counts",
        "one dataset of one file, after validation",
        ("file_id",),
        _columns("""
        file_id string the file
        source string the source
        dataset string the dataset
        arrived date the day the file landed
        rows_in bigint rows found in the file
        accepted bigint rows that reached the valid table
        quarantined bigint rows set aside with a reason
        duplicates bigint rows whose key was already accepted
        batch string the files that were judged with it: those of its arrival day, as ops/validations names them
    """),
    ),
    Dataset(
        "ops/validations",
        "one expectation on one batch of one dataset, each time it was judged",
        ("day", "source", "dataset", "batch", "attempt", "expectation"),
        _columns("""
        day date the day of the run
        source string the source
        dataset string the dataset
        batch string the files of the batch: SHA-256 of their ids, first 32 hex digits
        attempt int 1 when its files were loaded, more each time a stopped batch was replayed; the newest one counts
        expectation string the rule
        severity string critical, warning or info
        success boolean whether the batch met it
        rows bigint rows looked at
        failed bigint rows that broke it
        detail string what was seen
    """),
        scope="append",
        day_column="day",
    ),
    Dataset(
        "quarantine/rows",
        "one bad row, or one bad file",
        ("file_id", "line", "rule"),
        _columns("""
        source string the source
        dataset string the dataset
        file_id string the file
        path string path of the file below the landing root
        line bigint line in the file, 0 for the file as a whole
        arrived date the day the file landed
        rule string the rule that was broken, such as email:not_null; of several the first
        reason string what was wrong and what to do, without the value itself
        record! string the record as received
        rules array<string> all rules that were broken, in the order of the suite
    """),
    ),
    Dataset(
        "quarantine/replays",
        "one row that was taken out of quarantine and tried again",
        ("file_id", "line", "attempt"),
        _columns("""
        file_id string the file
        line bigint line in the file, 0 for the file as a whole
        attempt int how often this row was tried, from 1; the newest attempt says what became of it
        replay string id of the replay: one for all rows tried together
        day date the day it was replayed
        at timestamp when it was replayed
        source string the source
        dataset string the dataset
        path string path of the file below the landing root
        rule string the rule it had been set aside for
        outcome string accepted, duplicate (its key was there already), refused (again) or dropped (by decision)
        reason string why it was refused or dropped, or by which decision it was accepted
        corrected boolean whether the record was corrected by hand
        record! string the corrected record, empty if it was replayed as received
        by string who replayed it
    """),
        scope="append",
        day_column="day",
    ),
    Dataset(
        "identity/map",
        "one identifier",
        ("identifier",),
        _columns("""
        identifier string keyed hash of kind and value
        kind string contact, email, phone, login, cookie or loyalty
        customer_id string the customer it belongs to
        first_seen date the day it first arrived
        sources array<string> sources it occurs in
        as_of date data up to and including this day
    """),
        scope="state",
    ),
    Dataset(
        "identity/events",
        "one change of a customer id",
        ("event_id",),
        _columns("""
        event_id string id of the change
        day date the day it happened
        type string created, merged or split
        customer_id string the customer that goes on
        other_customer_id string the customer that ended (merged) or began (split)
        reason string the kinds of links that began, joined or parted them, steward, or too_many_records
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "identity/links",
        "one link between two identifiers since one day",
        ("left", "right", "rule", "first_seen"),
        _columns("""
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
        as_of date data up to and including this day
    """),
        scope="state",
    ),
    Dataset(
        "identity/set_aside",
        "one identifier that links nobody",
        ("identifier",),
        _columns("""
        identifier string keyed hash of kind and value, as in identity/map
        kind string its kind
        reason string shared (by too many), disputed (by people who cannot be one) or too_many_records (tied together)
        since date the day from which it links nobody
        as_of date data up to and including this day
    """),
        scope="state",
    ),
    Dataset(
        "identity/decisions",
        "one decision of a data steward",
        ("decision_id",),
        _columns("""
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
        "ops/decisions",
        "one decision a data steward gave in Airflow",
        ("decision_id",),
        _columns("""
        decision_id string fingerprint of the records, the verdict, who gave it and when
        left! string one record, as source:contact_id
        right! string the other record
        decision string same or different
        by string who decided
        on date the day of data it was decided on; it counts from then on
        because string why
        given date the day it was given
    """),
        scope="append",
        day_column="given",
    ),
    Dataset(
        "identity/review",
        "one pair of contact records that may be one person, or were likely to be but are kept apart",
        ("left", "right"),
        _columns("""
        left string one record, as source:contact_id
        right string the other record
        probability double probability that they are one person
        weight double the same as log2 of the odds, after conflicts
        agrees string how they agree, level by level
        status string review (a person should look), or cut: and why they were kept apart
        first_seen date the day both had arrived
        as_of date data up to and including this day
    """),
        scope="state",
    ),
    Dataset(
        "profiles/customers",
        "one customer",
        ("customer_id",),
        _columns("""
        customer_id string stable id of the customer
        known boolean whether there is more than a cookie
        first_name! string given name
        last_name! string family name
        birth_date! date date of birth
        gender string gender
        street! string street and house number
        postcode! string postal code
        city string city
        country string country, ISO 3166-1 alpha-2
        language string language, ISO 639-1
        household_id string household as a source declares it; profiles/households is what we make of it
        records! array<string> contact records joined, as source:contact_id
        login_ids! array<string> account names or ids used to log in
        loyalty_ids! array<string> loyalty card numbers
        sources array<string> sources that know this customer
        contact_records int contact records joined
        customer_since date first day this customer was seen
        attributes string further attributes, as a JSON object
        provenance string attribute to source, record, date and the criterion that decided, as a JSON object
        as_of date data up to and including this day
    """),
        scope="state",
    ),
    Dataset(
        "profiles/people",
        "one customer, without anything that identifies a person",
        ("customer_id",),
        _columns("""
        customer_id string stable id of the customer
        known boolean whether there is more than a cookie
        gender string gender
        age int age in years
        city string city
        country string country, ISO 3166-1 alpha-2
        language string language, ISO 639-1
        sources array<string> sources that know this customer
        contact_records int contact records joined
        customer_since date first day this customer was seen
        household string household, a key into profiles/households, empty for none
        household_size int customers in that household
        preferred_channel string the best channel this customer may be contacted by, empty for none
        as_of date data up to and including this day
    """),
        scope="state",
    ),
    Dataset(
        "profiles/traits",
        "one customer with a column for each trait of config/traits.yaml",
        ("customer_id",),
        _columns("""
        customer_id string stable id of the customer
        as_of date data up to and including this day
    """),
        scope="state",
        open=True,
    ),
    Dataset(
        "profiles/contact_points",
        "one e-mail address or phone number of one customer",
        ("customer_id", "kind", "value"),
        _columns("""
        customer_id string the customer
        kind string email or phone
        value! string normalised value
        preference int 1 for the one to use
        source string source that gave it
        record string record that gave it
        observed_at timestamp when it was last confirmed
    """),
        scope="state",
    ),
    Dataset(
        "profiles/addresses",
        "one postal address of one customer",
        ("customer_id", "address"),
        _columns("""
        customer_id string the customer
        address! string country, postcode, house number and street in one spelling, to compare addresses by
        street! string street and house number, as given
        postcode! string postal code, as given
        city string city
        country string country, ISO 3166-1 alpha-2
        preference int 1 for the one to use
        source string source that gave it
        record string record that gave it
        observed_at timestamp when it was last confirmed
    """),
        scope="state",
    ),
    Dataset(
        "profiles/households",
        "one customer in one household",
        ("customer_id",),
        _columns("""
        customer_id string the customer
        household string id: the same for as long as what it rests on stays the same; empty if there are too many
        size int customers in it
        reason string declared (by a source), address_and_name, joined (by these to a declared one), or too_many
        evidence string source of the declaration, or what was compared
        as_of date data up to and including this day
    """),
        scope="state",
    ),
    Dataset(
        "profiles/channels",
        "one customer and channel",
        ("customer_id", "channel"),
        _columns("""
        customer_id string the customer
        channel string the channel, one of config/identity.yaml
        purposes array<string> purposes with consent for this channel
        reachable boolean whether there is an address or number for it
        contacted bigint messages or ads in the last 365 days
        responded bigint opens, clicks and redemptions in the last 365 days
        last_responded date day of the last response
        preference int 1 for the best channel; only of channels with consent and an address or number
        as_of date data up to and including this day
    """),
        scope="state",
    ),
    Dataset(
        "profiles/coverage",
        "one attribute in one source, or in the golden record (source: golden)",
        ("attribute", "source"),
        _columns("""
        attribute string attribute of a contact
        source string the source, or golden for all customers
        mapped boolean whether the configuration of the source fills it; such a source that delivers nothing stays here
        records bigint contact records of the source; for golden: customers with a contact record
        filled bigint of these, with a value
        filled_share double filled out of records, 4 digits, empty without records
        wins bigint golden records whose value comes from this source
        conflicts bigint records whose value differs from the golden one
        last_updated timestamp newest record with a value
        as_of date data up to and including this day
    """),
        scope="state",
    ),
    Dataset(
        "profiles/consent",
        "one customer, purpose and channel",
        ("customer_id", "purpose", "channel"),
        _columns("""
        customer_id string the customer
        purpose string the purpose
        channel string the channel
        status string withdrawn, expired or granted: the strictest of the newest answers
        changed_at timestamp when it was answered
        expires_at timestamp when it ends
        source string source of the deciding answer
        proof string where the answer is recorded; for one that waits in quarantine its file and line
        as_of date data up to and including this day
    """),
        scope="state",
    ),
    Dataset(
        "profiles/consent_history",
        "one customer, purpose and channel, from one day to another",
        ("customer_id", "purpose", "channel", "valid_from"),
        _columns("""
        customer_id string the customer, as known today
        purpose string the purpose
        channel string the channel
        valid_from date first day on which this was what we knew
        valid_to date last day, empty for now
        status string withdrawn, expired or granted: the strictest of the newest answers
        changed_at timestamp when it was answered
        expires_at timestamp when it ends
        source string source of the deciding answer
        proof string where the answer is recorded; for one that waits in quarantine its file and line
    """),
        scope="state",
    ),
    Dataset(
        "journeys/sessions",
        "one visit",
        ("session_id",),
        _columns("""
        session_id string id of the visit
        customer_id string the visitor
        day date day of its start in the configured time zone
        started_at timestamp first event
        ended_at timestamp last event
        device string mobile, tablet or desktop
        channel string how the visitor came: direct, organic, paid, email, social, referral
        entry_url string first page
        events int number of events
        pages int pages seen
        searches int searches
        product_views int product pages seen
        carts int products put in the basket
        orders int orders placed
        revenue decimal(18,2) value of orders placed
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "journeys/carts",
        "one shopping basket of one customer, over one or more visits",
        ("cart_id",),
        _columns("""
        cart_id string id of the basket: that of the visit in which it was begun
        customer_id string the customer
        opened_at timestamp start of the first visit
        last_at timestamp end of the last visit in which it was touched
        visits int visits it lasted
        items int times a product was put in it
        status string open, ordered or abandoned
        day date day it was ordered or given up in the configured time zone, empty while open
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "journeys/touchpoints",
        "one contact between customer and company",
        ("touchpoint_id",),
        _columns("""
        touchpoint_id string id of the contact: type, source and reference
        customer_id string the customer
        occurred_at timestamp when
        day date day in the configured time zone
        channel string web, store, app, phone, email, ad, mail, chat, survey, social, ...
        type string visit, order, return, cancellation, registration, conversation, resolution, nps, csat, click, ...
        subject string traffic channel of a visit, campaign, topic, or survey
        source string the source of the row it stands for
        reference string id of the row it stands for
        valence string positive, negative or neutral, by the rules of config/journey.yaml
        nth int the how manieth contact of this type of this customer
        score decimal(18,2) answer: nps 0 to 10, csat 1 to 5, ces 1 to 7, whatever scale was shown
        amount decimal(18,2) paid for an order, minus that for its return or cancellation
        product_views int product pages seen in a visit
        carts int products put in the basket in a visit
        seconds bigint length of a visit, or time from first contact to solution
        clicked boolean whether a delivered message was clicked; known only later, so stage rules cannot use it
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "journeys/moments",
        "one micro-moment of one customer",
        ("moment_id",),
        _columns("""
        moment_id string id of the moment
        customer_id string the customer
        session_id string the visit it happened in
        type string know, go, do or buy
        day date day in the configured time zone
        started_at timestamp first evidence
        expires_at timestamp when acting on it is no longer useful
        confidence double share of the evidence that points to this type, 0 to 1
        evidence array<string> the events that show it
        served boolean whether the visitor reached the goal of the moment
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "journeys/stages",
        "one stay of one customer in one stage",
        ("customer_id", "valid_from"),
        _columns("""
        customer_id string the customer
        stage string awareness, consideration, purchase, service or loyalty
        valid_from date first day in the stage
        valid_to date last day in the stage, empty for now
        previous_stage string the stage before
        rule string the rule that placed the customer here
        evidence string the numbers the rule saw, as a JSON object
    """),
        scope="state",
    ),
    Dataset(
        "journeys/kpis",
        "one KPI on one day",
        ("day", "kpi", "dimension"),
        _columns("""
        day date the day
        stage string the stage it belongs to
        kpi string name of the KPI
        dimension string all, or the part it is for
        value double the value, empty if the denominator is 0
        numerator double what is counted
        denominator double out of what
        unit string share, count, euro, score, ...
    """),
        scope="state",
        day_column="day",
    ),
    Dataset(
        "models/matching",
        "one version of the model that scores pairs of contact records (the newest only)",
        ("version",),
        _columns("""
        version string fingerprint of the parameters
        trained_on date data up to and including this day was learned from, and it decides from this day on
        records bigint versions of contact records it learned from
        parameters string levels of agreement with their probabilities, blocking rules and priors, as JSON
        settings string fingerprint of configuration and code; under another one all is compared anew
    """),
        scope="state",
    ),
    Dataset(
        "models/matching_rows",
        "one version of a contact record that the model in use has compared with all others",
        ("row",),
        _columns("""
        row string keyed hash of the version, with the slot it no longer tells if that is of too many people
        model string version of the model: key into models/matching
    """),
        scope="state",
    ),
    Dataset(
        "models/matching_pairs",
        "one pair of versions of contact records that the model in use does not rule out",
        ("left", "right"),
        _columns("""
        left string one version: key into models/matching_rows
        right string the other one
        weight double log2 of the odds that they are one person, after conflicts
        probability double the same as a probability
        differ boolean whether a fact speaks against them beyond its weight
        conflict boolean whether they cannot be one person
        unnamed boolean whether one of them has no first name
        levels array<bigint> per comparison of the model the place of the level they agree on; -1: not told
    """),
        scope="state",
    ),
    Dataset(
        "models/matching_links",
        "one span of days on which two contacts were linked by a model before the one in use",
        ("left", "right", "first_seen"),
        _columns("""
        left string one contact: identifier in identity/map
        right string the other one
        first_seen date first day of the link
        until date the day it ended, or the next model took over
        weight double log2 of the odds
        probability double the same as a probability
    """),
        scope="state",
    ),
    Dataset(
        "models/matching_terms",
        "one value of one attribute, and how common it is",
        ("slot", "value"),
        _columns("""
        slot string the attribute, such as family (name)
        value string keyed hash of the value
        frequency double share of people who have it
    """),
        scope="state",
    ),
    Dataset(
        "models/features",
        "one customer on one day",
        ("day", "customer_id"),
        _columns("""
        day date features use nothing known after this day
        customer_id string the customer
        tenure_days double days since first order
        recency_days double days since last order
        orders_28d double orders in the last 28 days
        orders_91d double orders in the last 91 days
        orders_all double orders ever
        revenue_28d double revenue in the last 28 days
        revenue_91d double revenue in the last 91 days
        revenue_all double revenue ever
        basket_value_91d double average order value in the last 91 days
        gap_days double average days between orders
        overdue double recency divided by the average gap
        trend double orders in the last 28 days against a third of those in the last 84
        departments_91d double distinct departments bought from in the last 91 days
        discount_share_91d double discount as share of revenue before discount in the last 91 days
        sessions_28d double visits in the last 28 days
        product_views_28d double product pages in the last 28 days
        carts_28d double products put in the basket in the last 28 days
        mobile_share_91d double share of visits by phone in the last 91 days
        conversations_91d double conversations in the last 91 days
        negative_contacts_91d double negative touchpoints in the last 91 days
        nps_last double last NPS answer, 0 to 10
        csat_last double last CSAT answer, 1 to 5
        clicks_91d double campaign clicks and redemptions in the last 91 days
        web_order_share_91d double share of orders not placed in a store in the last 91 days
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "models/scores",
        "one customer, model and day",
        ("day", "model", "customer_id"),
        _columns("""
        day date the day scored
        model string churn, segmentation, ...
        customer_id string the customer
        score double probability for churn, distance to centre for segmentation
        label string risk band or segment name
        model_version string version in the MLflow registry
        reasons array<string> what pushed the score most, in words
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "models/segments",
        "one segment of one model version",
        ("model_version", "segment"),
        _columns("""
        model_version string version in the MLflow registry
        segment string name of the segment
        description string what sets it apart, in words
        customers bigint customers in it at training
        share double share of customers
        trained_on date day of the features it was trained on
    """),
    ),
    Dataset(
        "models/evaluations",
        "one metric of one trained model version",
        ("model", "model_version", "metric"),
        _columns("""
        model string churn or segmentation
        model_version string version in the MLflow registry
        day date the day it was trained for
        metric string auc, baseline_auc, silhouette, ...
        value double the value
        decision string promoted or refused
        reason string why
    """),
    ),
    Dataset(
        "audiences/members",
        "one customer in one audience on one day",
        ("day", "audience", "customer_id"),
        _columns("""
        day date the day
        audience string the audience
        customer_id string the customer
        arm string treatment or holdout
        evidence string the values the rule saw, as a JSON object
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "activation/plans",
        "one customer, audience and destination on one day",
        ("day", "audience", "destination", "customer_id"),
        _columns("""
        day date the day
        audience string the audience
        destination string the destination, a name of config/channels.yaml
        customer_id string the customer
        action string add, remove, send, keep or skip
        reason string why: held_out, no_consent, no_address, suppressed, cooling_down, left_audience, changed, ...
        fingerprint string hash of what is sent, so that a change is sent again
        consent_changed_at timestamp the consent answer this relies on
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "activation/ledger",
        "one state reached by one try to change one customer at one destination",
        ("destination", "audience", "customer_id", "attempt", "state"),
        _columns("""
        operation_id string id of the operation: same plan, same id
        attempt int number of the try for this customer, audience and destination, from 1
        destination string the destination
        audience string the audience
        customer_id string the customer
        day date the day of the plan
        action string add, remove or send
        state string claimed (before sending), submitted (answer awaited), accepted, rejected, partial or unknown
        reason string what the destination answered, without personal data
        batch_id string the claim it was part of
        request_id string id given by the destination
        fingerprint string keyed hash of what was sent: of a message that of the address
        updated_at timestamp when this state was reached
    """),
    ),
    Dataset(
        "activation/deliveries",
        "one audience and destination on one day",
        ("day", "audience", "destination"),
        _columns("""
        day date the day
        audience string the audience
        destination string the destination
        members bigint customers in the audience, holdout included
        held_out bigint customers kept apart to measure the effect
        no_consent bigint customers without consent for this purpose and channel
        no_address bigint customers without an address for this destination
        suppressed bigint customers on the suppression list or still cooling down
        kept bigint customers already at the destination, nothing to do
        to_add bigint customers to send to or add
        to_remove bigint customers to take off
        delivered bigint additions and sends the destination accepted
        removed bigint removals the destination accepted
        refused bigint operations it refused
        unknown bigint operations whose outcome is not known
    """),
        scope="day",
        day_column="day",
    ),
    Dataset(
        "activation/suppressions",
        "one address that must not be used",
        ("channel", "identifier"),
        _columns("""
        channel string the channel
        identifier string keyed hash of the address
        reason string bounced, complained or unsubscribed
        since date the day it was learned
    """),
    ),
)

DATASETS: dict[str, Dataset] = {d.name: d for d in (*CANONICAL.values(), *OTHERS)}
PERSON_COLUMNS: tuple[str, ...] = tuple(c.name for c in PERSON)
LINEAGE_COLUMNS: tuple[str, ...] = tuple(c.name for c in LINEAGE)


def extended(dataset: Dataset, columns: tuple[Column, ...]) -> Dataset:
    """The dataset with further columns, each after those it has."""
    return replace(dataset, columns=(*dataset.columns, *columns))


def get(name: str) -> Dataset:
    """The dataset of that table name. Raises KeyError with the nearest names for an unknown one."""
    if name.startswith("raw/"):
        return Dataset(name, RAW.grain, RAW.key, RAW.columns)
    if name not in DATASETS:
        from difflib import get_close_matches

        near = get_close_matches(name, DATASETS, n=3)
        raise KeyError(f"there is no table {name!r}" + (f"; did you mean {', '.join(near)}?" if near else ""))
    return DATASETS[name]


def all_datasets() -> Iterator[Dataset]:
    yield RAW
    yield from DATASETS.values()
