"""What campaign tools tell that is, or may be, a no: by which word, over which channel, from which address.

Tools have words of their own (`Unsubscribed from List`, `spam_report`, `hardBounced`, `afgemeld`). What is plainly
something else, such as a click, is no no; a word that nobody knows may be one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.config.settings import Settings

UNSUBSCRIBE, COMPLAINT, BOUNCE, UNKNOWN = "unsubscribe", "complaint", "bounce", "unknown"
HARMLESS = ("impression", "sent", "delivered", "open", "click", "soft_bounce", "redeem")
"""Types of valid/campaign_events that take nothing away."""
CHANNELS = ("email", "ad", "mail", "app")
"""Channels of valid/campaign_events."""

_SAID: dict[str, tuple[str, ...]] = {
    COMPLAINT: (
        "complain",
        "spam",
        "abuse",
        "junk",
        "fbl",
        "feedback loop",
        "klacht",
        "beschwerde",
        "plainte",
        "queja",
    ),
    UNSUBSCRIBE: (
        *("unsub", "un sub", "optout", "opted out", "opt out", "opting out", "remove", "revoke", "withdr", "cancel"),
        *("declin", "refus", "objec", "leave", "left", "stop", "do not", "donot", "dnc", "off list", "suppress"),
        *("afmeld", "afgemeld", "uitschrij", "uitgeschreven", "geweigerd", "abmeld", "abgemeld", "austrag"),
        *("ausgetragen", "widerruf", "desabonn", "desinscri", "resili", "baja", "darse de", "disiscri", "cancellat"),
        *("descadastr", "wypis", "avregist", "afmeldt", "avslut", "peruut"),
    ),
    "": ("soft", "transient", "temporar", "tijdelijk", "vorubergehend", "defer", "delay", "greylist", "mailbox full"),
    BOUNCE: (
        *("bounc", "undeliver", "invalid", "drop", "block", "reject", "fail", "permanent", "cleaned", "hygiene"),
        *("not exist", "onbestelbaar", "unzustellbar", "rebot", "rebond"),
    ),
    UNKNOWN: ("no", "not", "non", "niet", "geen", "nicht", "kein", "pas", "never"),
}
"""Beginnings of words, by what they mean, in the order in which they are looked for; those of UNKNOWN are whole words,
which turn the ones of `_DONE` around."""
_DONE = (
    *("impression", "sent", "send", "deliver", "open", "click", "clic", "redeem", "receiv", "view", "render", "read"),
    *("visit", "forward", "share", "print", "order", "purchas", "convers", "convert", "subscri", "queue", "process"),
    *("accept", "schedul", "inject", "target", "publish", "start", "enter", "complet", "add", "cart", "checkout"),
    *("geopend", "geklikt", "bezorgd", "afgeleverd", "verzonden", "verstuurd", "ontvangen", "gelezen", "aangemeld"),
    *("geoffnet", "geklickt", "zugestellt", "gesendet", "versendet", "versandt", "gelesen", "empfangen", "angemeldet"),
    *("ouvert", "cliqu", "livre", "envoye", "recu", "abierto", "abrio", "entregad", "enviad", "recibid", "leido"),
    "resubscri",
)


def kind_of_no(type_: Column) -> Column:
    """UNSUBSCRIBE, COMPLAINT, BOUNCE, or UNKNOWN for a word that may mean any of them; null for what is plainly no
    no."""
    # Made here, not as a decorator: PySpark needs a session to know whether it is a Spark Connect function.
    judge = F.arrow_udf(_judge(), "string")  # type: ignore[call-overload]
    return judge(F.coalesce(type_, F.lit("")))


def _judge() -> Callable[[pa.Array], pa.Array]:
    """A function that judges an array of words. It holds all it needs, so that it travels whole to workers."""
    said, done, harmless, unknown = _SAID, _DONE, HARMLESS, UNKNOWN

    def judge(words: pa.Array) -> pa.Array:
        import re
        import unicodedata

        import pyarrow as pa

        def begins(text: str, beginnings: Iterable[str]) -> bool:
            return any(f" {one}" in text for one in beginnings)

        def one(word: str) -> str | None:
            if word.strip().lower() in harmless:
                return None
            apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", word)
            bare = unicodedata.normalize("NFKD", apart.lower())
            text = f" {' '.join(re.findall('[a-z0-9]+', bare.encode('ascii', 'ignore').decode()))} "
            for kind, beginnings in said.items():
                if begins(text, [f"{whole} " for whole in beginnings] if kind == unknown else beginnings):
                    return kind or None
            return None if begins(text, done) else unknown

        distinct = words.dictionary_encode()
        return pa.array([one(word) for word in distinct.dictionary.to_pylist()], pa.string()).take(distinct.indices)

    return judge


def meant_channels(channel: Column, settings: Settings) -> Column:
    """The channels people are asked about that a campaign tool may mean: of a blank or unknown word all of them."""
    known = settings.identity.contact_channels
    every = F.array(*[F.lit(name) for name in known]).cast("array<string>")
    word = F.lower(F.trim(channel))
    meant = F.when(word.isin(*CHANNELS), F.array().cast("array<string>")).otherwise(every)
    for name, one in known.items():
        meant = F.when(word.isin(name, *one.also_called), F.array(F.lit(name))).otherwise(meant)
    return F.coalesce(meant, every)


def possible_emails(text: Column) -> Column:
    """The addresses that a damaged text may stand for: with plus signs for blanks, unescaped, or among other words."""
    bare = F.regexp_replace(F.regexp_replace(F.lower(text), "%40", "@"), "%2b", "+")
    found = [
        text,
        bare,
        F.regexp_replace(F.regexp_replace(F.trim(bare), "^mailto:", ""), "[ +]", "+"),
        F.regexp_replace(F.regexp_replace(bare, r"\s", ""), r"^[<(\[\"']+|[>)\]\"';,.:]+$", ""),
        F.regexp_extract(bare, r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']*[^\s<>()\[\],;:\"'.]", 0),
    ]
    return F.array_distinct(F.array(*found))


NATIONAL = 8
"""Last digits of a phone number that are the same whether it is written with or without the code of its country."""


def national(phone: Column) -> Column:
    """The last digits of a phone number; null if there are fewer."""
    digits = F.regexp_replace(phone, "[^0-9]", "")
    return F.when(F.length(digits) >= NATIONAL, F.substring(digits, -NATIONAL, NATIONAL))
