"""One person who is met by three sources within a few days."""

from jobs.identity import identity
from jobs.profiles import customers

TABLES = (*identity.WRITES, *customers.WRITES)

CRM = {"source": "crm", "updated_at": "2017-01-01", "first_name": "Ann", "last_name": "Bos"}

ARRIVALS = {
    "2017-01-01": {
        "valid/contacts": [CRM | {"contact_id": "1", "email": "Ann@x.nl", "phone": "0612345679", "city": "Delft"}],
        "valid/events": [
            {"event_id": "e1", "source": "web", "cookie_id": "k1", "occurred_at": "2017-01-01"},
            {"event_id": "e2", "source": "web", "cookie_id": "k2", "occurred_at": "2017-01-01"},
        ],
    },
    "2017-01-02": {
        "valid/contacts": [
            {"contact_id": "9", "source": "shop", "updated_at": "2017-01-02", "login_id": "ann", "email": "ann@X.nl"}
        ],
        "valid/consents": [
            {"consent_id": "a", "source": "crm", "contact_id": "1", "purpose": "marketing", "channel": "email"}
            | {"status": "granted", "changed_at": "2017-01-02"}
        ],
    },
    "2017-01-04": {
        "valid/events": [
            {"event_id": "e3", "source": "web", "cookie_id": "k1", "login_id": "ann", "occurred_at": "2017-01-03"}
        ],
        "valid/consents": [
            {"consent_id": "b", "source": "crm", "contact_id": "1", "purpose": "marketing", "channel": "email"}
            | {"status": "withdrawn", "changed_at": "2017-01-03"}
        ],
    },
}
