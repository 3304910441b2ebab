"""Nobody is written to when it is quiet where they are, whatever the hours and the zone. Costs about 2 s."""

import datetime as dt
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import hypothesis
from hypothesis import strategies as st

from jobs.activation.hours import may_write
from jobs.config.actions.audiences import When
from jobs.config.actions.contact_policy import QuietHours

COMPANY = "Europe/Amsterdam"
TIMES = st.times().map(lambda at: at.strftime("%H:%M"))
ZONES = ["Asia/Kolkata", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", COMPANY]
ODD = ["no/zone", "", "../../etc/passwd", "Europe", "\x00", "a" * 300, None]
QUIET = st.builds(
    lambda times, channels: QuietHours(begin=times[0], end=times[1], channels=channels),
    st.tuples(TIMES, TIMES).filter(lambda times: times[0] != times[1]),
    st.sampled_from([[], ["email"], ["sms"]]),
)
WHEN = st.tuples(TIMES, TIMES).map(lambda times: When(earliest=min(times), latest=max(times)))


def minutes(text):
    return int(text[:2]) * 60 + int(text[3:])


@hypothesis.settings(max_examples=1000)
@hypothesis.given(
    st.datetimes(dt.datetime(2017, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC)),
    st.sampled_from(ZONES + ODD), st.lists(QUIET, max_size=2), WHEN,
)  # fmt: skip
def test_what_may_leave_is_never_quiet_and_never_outside_the_hours_of_the_action(at, zone, quiet, when):
    settings = SimpleNamespace(general=SimpleNamespace(timezone=COMPANY), policy=SimpleNamespace(quiet_hours=quiet))
    local = at.astimezone(ZoneInfo(zone if zone in ZONES else COMPANY))
    now = local.hour * 60 + local.minute
    expected = minutes(when.earliest) <= now <= minutes(when.latest)
    for one in quiet:
        lasts = (minutes(one.end) - minutes(one.begin)) % (24 * 60)
        if (not one.channels or "email" in one.channels) and (now - minutes(one.begin)) % (24 * 60) < lasts:
            expected = False
    assert may_write(at, zone, "email", when, settings) == expected
