"""Learns the tagger of personal data that comes with Klantreis, and says how good it is on chats it has not seen.

    python -m benchmarks.text_tagger ../shared/data/chat_multidogo --write

Learned from the training half of MultiDoGO (airline, software), each turn also written with capitals and full stops,
and from words of the sentiment lexicons in any order, which are nobody's name. Measured on the test half.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from jobs.text import lexicon, tagger
from jobs.text.personal import Span, found

KINDS = {
    "name": "name",
    "email_address": "email",
    "phone_number": "phone",
    "password": "secret",
    "account_number": "secret",
}
"""Slots of the data set that are personal, and what they are called here."""

DOMAINS = ("airline", "software")
LEXICON_TEXTS = 5_000
USUAL = {
    "nl": """
        de het een en of maar want dus als dan toen nu nog al wel niet geen ook zo te om aan in op bij van
        voor met door over naar uit tot tegen na ik je jij u hij zij ze wij we jullie mij me jou hem haar
        ons hun mijn jouw uw zijn is was waren ben bent heb hebt heeft had hadden worden wordt werd kan kun
        kunt kon wil wilt wilde moet moest mag mocht zal zou zouden gaat ging komt kwam doe doet deed zeg
        zegt zei zie ziet zag weet wist dit dat deze die er hier daar waar wat wie welke hoe wanneer waarom
        alles iets niets meer minder veel weinig eerst later gisteren vandaag morgen week dag maand jaar uur
        tijd keer bestelling levering pakket bezorger winkel klantenservice medewerker product artikel
        factuur geld betaling rekening abonnement app website account bestelde besteld geleverd ontvangen
        gebeld gemaild verstuurd retour ruilen terug vraag antwoord hulp boek verhaal
    """,
    "en": """
        the a an and or but i you he she it we they me my your his her our their is was are were be been
        have has had do does did will would can could should may might must not no yes in on at to from for
        with by of about into after before this that these those there here what who which how when where
        why all some any more much less many first later yesterday today tomorrow week day month year hour
        time order delivery package store service employee product item invoice money payment account
        subscription app website card cash transfer currency exchange rate fee pin atm refund statement
        charge limit verification identity phone device
    """,
}


def labelled(folder: Path, domain: str, half: str) -> Iterator[tuple[list[str], list[str]]]:
    """Words of each turn, and the slot of each word."""
    rows = pd.read_csv(folder / f"{domain}_{half}.csv.gz", usecols=["utterance", "slot-labels"]).fillna("")
    for text, slots in rows.itertuples(index=False):
        words, kinds = text.split(), slots.split()
        if words and len(words) == len(kinds):
            yield words, kinds


def examples(folder: Path, seed: int = 1) -> tuple[list[list[str]], list[list[str]]]:
    """Texts in words to learn from, and the kind of each word."""
    chance = random.Random(seed)
    texts: list[list[str]] = []
    kinds: list[list[str]] = []
    for domain in DOMAINS:
        for words, slots in labelled(folder, domain, "train"):
            told = [KINDS.get(slot, tagger.NOTHING) for slot in slots]
            texts.append(words)
            kinds.append(told)
            if chance.random() < 0.7:
                texts.append(_as_written(words, told, chance))
                kinds.append(told)
    for language, usual in USUAL.items():
        loaded = [word for word in lexicon.polarities(language) if word.isalpha()]
        pool = loaded + usual.split() * (len(loaded) // len(usual.split()))
        for _ in range(LEXICON_TEXTS):
            words = [chance.choice(pool) for _ in range(chance.choice((1, 1, 2, 3, 4, 6, 8, 12)))]
            told = [tagger.NOTHING] * len(words)
            texts.append(_as_written(words, told, chance))
            kinds.append(told)
    return texts, kinds


def _as_written(words: list[str], kinds: list[str], chance: random.Random) -> list[str]:
    """The same words with capitals and marks, as people write who take the time."""
    named = [w.capitalize() if k == "name" and chance.random() < 0.8 else w for w, k in zip(words, kinds, strict=True)]
    found = [named[0].capitalize(), *named[1:]] if chance.random() < 0.8 else named
    if chance.random() < 0.6:
        found = [*found[:-1], found[-1] + chance.choice(".?!,")]
    if len(found) > 4 and chance.random() < 0.5:
        place = chance.randrange(1, len(found) - 1)
        found[place] += chance.choice(",.")
    return found


def recall(folder: Path, domain: str, model: tagger.Tagger | None, half: str = "test") -> dict[str, tuple[int, int]]:
    """Per slot: words masked, words there are. `O` are words that are not personal, masked nevertheless."""
    counted: dict[str, tuple[int, int]] = {}
    turns = list(labelled(folder, domain, half))
    texts = [" ".join(words) for words, _ in turns]
    more: list[list[Span]] = model.spans(texts) if model else [[] for _ in texts]
    for (words, slots), text, tagged in zip(turns, texts, more, strict=True):
        spans, at = found(text, more=tagged), 0
        for word, slot in zip(words, slots, strict=True):
            masked = any(span.start < at + len(word) and span.end > at for span in spans)
            if slot in KINDS or slot == "O":
                hit, every = counted.get(slot, (0, 0))
                counted[slot] = (hit + masked, every + 1)
            at += len(word) + 1
    return counted


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--write", action="store_true", help="learn anew and write jobs/text/data/tagger.npz")
    given = asked.parse_args()
    place = Path(tagger.__file__).parent / "data" / "tagger.npz"
    if given.write:
        place.write_bytes(tagger.learn(*examples(given.folder)).to_bytes())
    model = tagger.Tagger.from_bytes(place.read_bytes())
    for domain in DOMAINS:
        for name, one in (("rules", None), ("rules and tagger", model)):
            print(domain, name, {slot: f"{hit}/{of}" for slot, (hit, of) in recall(given.folder, domain, one).items()})


if __name__ == "__main__":
    main()
