"""Tables of customers: one golden record, contact points, consent, households, channels."""

from __future__ import annotations

from jobs.lake.tables.contract import Dataset, columns

TABLES: tuple[Dataset, ...] = (
    Dataset(
        "profiles/customers",
        "one customer",
        ("customer_id",),
        columns("""
        customer_id string stable id of the customer
        known boolean whether there is more than a cookie or an identifier that is set aside
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
    """),
        scope="state",
    ),
    Dataset(
        "profiles/people",
        "one customer, without anything that identifies a person",
        ("customer_id",),
        columns("""
        customer_id string stable id of the customer
        known boolean whether there is more than a cookie or an identifier that is set aside
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
    """),
        scope="state",
    ),
    Dataset(
        "profiles/traits",
        "one customer with a column for each trait of config/traits.yaml",
        ("customer_id",),
        columns("""
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
        columns("""
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
        columns("""
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
        columns("""
        customer_id string the customer
        household string id: the same for as long as what it rests on stays the same; empty if there are too many
        size int customers in it
        reason string declared (by a source), address_and_name, joined (by these to a declared one), or too_many
        evidence string source of the declaration, or what was compared
    """),
        scope="state",
    ),
    Dataset(
        "profiles/channels",
        "one customer and channel",
        ("customer_id", "channel"),
        columns("""
        customer_id string the customer
        channel string the channel, one of config/identity.yaml
        purposes array<string> purposes with consent for this channel
        reachable boolean whether there is an address or number for it
        contacted bigint messages or ads in the last 365 days
        responded bigint opens, clicks and redemptions in the last 365 days
        last_responded date day of the last response
        preference int 1 for the best channel; only of channels with consent and an address or number
    """),
        scope="state",
    ),
    Dataset(
        "profiles/coverage",
        "one attribute in one source, or in the golden record (source: golden)",
        ("attribute", "source"),
        columns("""
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
        columns("""
        customer_id string the customer
        purpose string the purpose
        channel string the channel
        status string withdrawn, expired or granted: the strictest of the newest answers
        changed_at timestamp when it was answered
        expires_at timestamp when it ends
        source string source of the deciding answer
        proof string where the answer is recorded; for one that waits in quarantine its file and line
    """),
        scope="state",
    ),
    Dataset(
        "profiles/consent_history",
        "one customer, purpose and channel, from one day to another",
        ("customer_id", "purpose", "channel", "valid_from"),
        columns("""
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
)
