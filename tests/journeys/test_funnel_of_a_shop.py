"""A published web shop is loaded, its visitors are found and its funnel is counted: by YAML alone."""

import datetime as dt

from jobs.identity import identity
from jobs.ingest import load
from jobs.journeys import journeys
from jobs.journeys.paths import step as behaviour
from jobs.lake.lake import Lake
from jobs.validate import step
from tests.company import MINIMAL
from tests.shared_data import folder

DAY = dt.date(2024, 6, 30)
SOURCE = """
source: shop
group: web
datasets:
  events:
    files: "{day}/ecom_events*.csv.gz"
    columns:
      event_id: concat_ws('|', user_id, timestamp, event)
      occurred_at: timestamp
      type: event
      cookie_id: user_id
      device: platform
"""
JOURNEY = """
stages: [{stage: awareness, name: seen, when: "true"}]
funnels:
  shop:
    title: From product to purchase
    over: events
    days: 200
    order: any
    per: month
    steps:
      - {name: product, when: type = 'product_view'}
      - {name: add to cart, when: type = 'add_to_cart'}
      - {name: cart, when: type = 'cart'}
      - {name: shipping, when: type = 'shipping_details'}
      - {name: payment, when: type = 'payment_details'}
      - {name: purchase, when: type = 'purchase'}
"""


def test_its_funnel_is_the_published_one_by_yaml_alone(settings, tmp_path):
    who = {**MINIMAL["identity.yaml"], "golden_record": {}}
    files = {"sources/crm.yaml": None, "sources/shop.yaml": SOURCE, "journey.yaml": JOURNEY, "identity.yaml": who}
    found = settings(files)
    landed = tmp_path / "var" / "landing" / "shop" / str(DAY)
    landed.mkdir(parents=True)
    file = folder("journey_retentioneering_ecom") / "ecom_events.csv.gz"
    (landed / file.name).write_bytes(file.read_bytes())
    load.run("shop", DAY, found)
    counts = step.run("shop", DAY, found)
    assert counts["rows_in"] == 31_106 == counts["accepted"] + counts["duplicates"]
    identity.run(DAY, found)
    journeys.run(DAY, found)
    behaviour.run(DAY, found)
    steps = sorted(
        (row for row in Lake.of(found).arrow("journeys/funnels").to_pylist() if row["period"] == "window"),
        key=lambda row: row["step"],
    )
    assert [row["customers"] for row in steps] == [598, 522, 489, 441, 390, 328]
    assert [row["dropped"] for row in steps] == [76, 33, 48, 51, 62, 0]
    assert sum(row["dropped"] for row in steps) + steps[-1]["customers"] == 598
