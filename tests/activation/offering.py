"""What a company needs that gives codes away: a file of offers, their codes, orders that tell of them, a message."""

import copy

from tests.activation.small_company import CONFIG

OFFER = {"title": "5 euros off", "owner": "crm", "codes": "offers/five.csv", "amount": 5.0, "valid_days": 10}
ORDERS = {"orders": {"files": "{day}/orders*.csv*", "attributes": {"discount_code": "coupon"}, "columns": {
    "order_id": "id", "updated_at": "at", "ordered_at": "at", "total": "total", "status": "status",
    "email": "email"}}}  # fmt: skip


def giving(codes, action=None, /, **offer):
    """Files of a company whose action winback gives `five`, of which there are these codes."""
    changed = {**copy.deepcopy(CONFIG["audiences/winback.yaml"]), "offer": "five", **(action or {})}
    told = {end: f"{CONFIG[f'templates/winback.{end}']}<p>{{{{ offer.code }}}} until {{{{ offer.until }}}}</p>"
            for end in ("en.txt", "en.html", "nl.txt", "nl.html")}  # fmt: skip
    return {
        "audiences/winback.yaml": changed,
        "offers.yaml": {"offers": {"five": {**OFFER, **offer}}},
        "offers/five.csv": "code\n" + "".join(f"{code}\n" for code in codes),
        "sources/pos.yaml": {"source": "pos", "group": "crm", "datasets": ORDERS},
        **{f"templates/winback.{end}": text for end, text in told.items()},
    }
