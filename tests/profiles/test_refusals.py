"""Which words of campaign tools are, or may be, a no."""

import pyarrow as pa
import pytest

from jobs.profiles.refusals import BOUNCE, COMPLAINT, UNKNOWN, UNSUBSCRIBE, _judge


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        *[(word, UNSUBSCRIBE) for word in ("Unsubscribed from List", "opt-out", "OptOut", "afgemeld", "Désabonnement")],
        *[(word, UNSUBSCRIBE) for word in ("uitgeschreven", "Abmeldung", "baja", "list_unsubscribe_click")],
        *[(word, COMPLAINT) for word in ("Marked Email as Spam", "spam_report", "feedback-loop", "ABUSE", "klacht")],
        *[(word, BOUNCE) for word in ("Bounced Email", "hardBounce", "undelivered", "delivery_failed", "cleaned")],
        *[
            (word, UNKNOWN)
            for word in ("", "  ", "U", "type 17", "preferences updated", "not delivered", "niet bezorgd")
        ],
        *[(word, None) for word in ("Received Email", "Clicked Email", "email.opened", "emailOpened", "soft bounce")],
        *[
            (word, None)
            for word in ("deferred", "geopend", "zugestellt", "ouvert", "Subscribed to List", "SENT", "Resubscribed")
        ],
    ],
)
def test_a_word_is_judged_by_how_it_begins_in_many_languages_and_an_unknown_one_may_be_a_no(word, kind):
    assert _judge()(pa.array([word], pa.string())).to_pylist() == [kind]
