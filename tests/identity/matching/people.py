"""Made-up populations with known truth: many errors, families and twins, systems with different columns.

Nothing here is tuned to the matcher: names follow a Zipf law, errors are those of typists, scanners and moving house.
"""

import random
import string

import pandas as pd
from nicknames import NickNamer

SYLLABLES = ("ba", "ber", "bo", "dal", "der", "don", "el", "fer", "gra", "hal", "har", "jen", "kin", "lan", "ley", "lo")
SYLLABLES += (
    "mar",
    "mor",
    "nor",
    "pen",
    "ra",
    "ridge",
    "rin",
    "sen",
    "son",
    "stan",
    "ter",
    "ton",
    "ver",
    "wick",
    "win",
)
TRADES = (
    "politician",
    "writer",
    "painter",
    "engineer",
    "composer",
    "judge",
    "botanist",
    "cricketer",
    "priest",
    "actor",
)
STREETS = ("street", "road", "lane", "avenue", "drive", "close")


def made_names(rng, count, least=2, most=3):
    found = set()
    while len(found) < count:
        found.add("".join(rng.choices(SYLLABLES, k=rng.randint(least, most))).capitalize())
    return sorted(found)


def zipf(rng, options, s=0.8):
    weights = [1 / (rank + 3) ** s for rank in range(len(options))]
    return lambda: rng.choices(options, weights)[0]


def typo(rng, text):
    """One letter wrong, missing, doubled or swapped."""
    if len(text) < 2:
        return text
    place = rng.randrange(len(text) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if kind == 1:
        return text[:place] + text[place + 1 :]
    letters = string.digits if text[place].isdigit() else string.ascii_lowercase
    return text[:place] + rng.choice(letters) + text[place + (kind == 2) :]


class World:
    """People in households, and what records of them look like."""

    def __init__(self, seed, households):
        rng = self.rng = random.Random(seed)
        self.short = {}
        nick = NickNamer()
        given = [
            n.capitalize()
            for n in sorted(nick._canonical_to_nicknames if hasattr(nick, "_canonical_to_nicknames") else ())
        ]
        given = given or made_names(rng, 600, 2, 2)
        rng.shuffle(given)
        self.given = zipf(rng, given, 0.9)
        self.family = zipf(rng, made_names(rng, 2500), 0.7)
        self.city = zipf(rng, made_names(rng, 120, 2, 3), 0.9)
        self.street = zipf(rng, made_names(rng, 900, 2, 3), 0.3)
        self.nick = nick
        self.people = []
        for home in range(households):
            self.people += self.household(home)
        for number, person in enumerate(self.people):
            person["person"] = number

    def household(self, home):
        rng = self.rng
        surname, city, area = (
            self.family(),
            self.city(),
            f"{rng.choice('ABCDEFGH')}{rng.choice('ABCDEFGHKLMNPRST')}{rng.randint(1, 20)}",
        )
        base = {
            "family": surname,
            "city": city,
            "postcode": f"{area} {rng.randint(1, 9)}{''.join(rng.choices('ABDEFGHJLNPQRSTUWXYZ', k=2))}",
            "street": f"{self.street()} {rng.choice(STREETS)}",
            "number": str(rng.randint(1, 180)),
            "phone": f"0{rng.randint(20, 79)}{rng.randint(1000000, 9999999)}",
        }
        year = rng.randint(1930, 1985)
        found = []
        parents = rng.choice((1, 1, 2, 2, 2))
        for place in range(parents):
            found.append(self.person(base, year + rng.randint(-4, 4), "mf"[place]))
        if parents == 2:
            born = year + 25
            for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
                born += rng.randint(1, 5)
                child = self.person(base, born, rng.choice("mf"))
                if rng.random() < 0.04 and child["gender"] == "m":
                    child["given"] = found[0]["given"]
                found.append(child)
                if rng.random() < 0.04:
                    found.append({**self.person(base, born, rng.choice("mf")), "born": child["born"]})
        return found

    def person(self, base, year, gender):
        rng = self.rng
        given = self.given()
        user = rng.choice((f"{given}.{base['family']}", f"{given[0]}{base['family']}{rng.randint(1, 99)}"))
        return {
            **base,
            "given": given,
            "middle": self.given() if rng.random() < 0.5 else "",
            "born": f"{year}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
            "gender": gender,
            "mobile": f"06{rng.randint(10000000, 99999999)}",
            "email": f"{user}@{rng.choice(('example.org', 'mail.example', 'post.example', 'web.example'))}".lower(),
            "trade": rng.choice(TRADES),
        }

    def other_given(self, name):
        """A nickname, an initial, or the name."""
        short = sorted(self.nick.nicknames_of(name.lower()))
        return self.rng.choice(short).capitalize() if short else name

    def mistyped(self, text, share):
        return typo(self.rng, text) if text and self.rng.random() < share else text

    def missing(self, text, share):
        return None if self.rng.random() < share else text

    def date(self, text, wrong):
        rng = self.rng
        if rng.random() >= wrong:
            return text
        year, month, day = text.split("-")
        kind = rng.randrange(5)
        if kind == 0:
            return f"{year}-01-01"
        if kind == 1:
            return f"{int(year) + rng.choice((-10, -2, -1, 1, 2, 10))}-{month}-{day}"
        if kind == 2 and int(day) <= 12:
            return f"{year}-{day}-{month}"
        if kind == 3:
            return f"{int(year) + rng.randint(-5, 5)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        return f"{year}-{month}-{rng.randint(1, 28):02d}"


def historical(seed, households, records_each=8):
    """Persons with many records, most of them with several errors. One table; `person` is the truth."""
    world = World(seed, households)
    rng = world.rng
    rows = []
    for person in world.people:
        for copy in range(rng.randint(1, 2 * records_each - 1)):
            bad = 0 if copy == 0 else rng.choice((0.05, 0.15, 0.3))
            given, family = person["given"], person["family"]
            if rng.random() < bad:
                given = world.other_given(given)
            if rng.random() < bad / 2:
                given = given[0]
            given, family = world.mistyped(given, bad), world.mistyped(family, bad)
            if person["gender"] == "f" and rng.random() < bad / 3:
                family = world.family()
            if rng.random() < bad / 8:
                given, family = family, given
            middle = "" if rng.random() < 0.3 else person["middle"]
            place = world.city() if rng.random() < bad / 3 else world.mistyped(person["city"], bad)
            code = person["postcode"]
            if rng.random() < bad:
                code = f"{code.split()[0]} {rng.randint(1, 9)}{''.join(rng.choices('ABDEFGHJ', k=2))}"
            rows.append(
                {
                    "full_name": " ".join(part for part in (given, middle, family) if part),
                    "first_name": world.missing(given.lower(), bad / 3),
                    "surname": world.missing(family.lower(), bad / 4),
                    "dob": world.missing(world.date(person["born"], bad), 0.05 + bad / 3),
                    "birth_place": world.missing(place.lower(), 0.1 + bad / 2),
                    "postcode": world.missing(code.lower(), 0.05 + bad / 2),
                    "gender": person["gender"],
                    "occupation": world.missing(person["trade"] if rng.random() > bad else rng.choice(TRADES), 0.2),
                    "person": person["person"],
                }
            )
    rng.shuffle(rows)
    return pd.DataFrame(rows)


def two_files(seed, households):
    """Two files without duplicates in which most people occur: originals and copies with errors."""
    world = World(seed, households)
    rng = world.rng
    files = {"a": [], "b": []}
    for person in world.people:
        for name, bad in (("a", 0.03), ("b", 0.2)):
            if rng.random() < 0.1:
                continue
            files[name].append(
                {
                    "given_name": world.missing(world.mistyped(person["given"], bad), bad / 4),
                    "surname": world.mistyped(person["family"], bad),
                    "street_number": world.mistyped(person["number"], bad),
                    "address_1": world.mistyped(person["street"], bad),
                    "suburb": world.mistyped(person["city"], bad),
                    "postcode": world.mistyped(person["postcode"], bad),
                    "date_of_birth": world.date(person["born"], bad),
                    "person": person["person"],
                }
            )
    return {name: pd.DataFrame(rows) for name, rows in files.items()}


def four_systems(seed, households):
    """One population in four systems that each know other things about it, with errors, moves and shared phones."""
    world = World(seed, households)
    rng = world.rng
    systems = {"crm": [], "shop": [], "survey": [], "chat": []}
    for person in world.people:
        who, given, family = person["person"], person["given"], person["family"]

        def name(bad=0.08, given=given, family=family):
            return world.mistyped(world.other_given(given) if rng.random() < bad else given, bad), world.mistyped(
                family, bad
            )

        if rng.random() < 0.8:
            for _ in range(1 + (rng.random() < 0.15)):
                first, last = name()
                systems["crm"].append(
                    {
                        "FirstName": first if rng.random() > 0.1 else first[0],
                        "LastName": last,
                        "Birthdate": world.missing(world.date(person["born"], 0.05), 0.2),
                        "MailingStreet": f"{world.mistyped(person['street'], 0.08)} {person['number']}",
                        "MailingPostalCode": world.mistyped(person["postcode"], 0.05),
                        "MailingCity": world.mistyped(person["city"], 0.05),
                        "Phone": world.missing(person["phone"], 0.3),
                        "Email": world.missing(world.mistyped(person["email"], 0.03), 0.4),
                        "person": who,
                    }
                )
        if rng.random() < 0.6:
            first, last = name()
            street = person["street"].replace("street", "st").replace("road", "rd")
            systems["shop"].append(
                {
                    "name": f"{first} {last}",
                    "address": f"{person['number']} {street}, {person['city']}, {person['postcode']}",
                    "email": world.missing(person["email"], 0.15),
                    "mobile": world.missing(person["mobile"], 0.3),
                    "person": who,
                }
            )
        if rng.random() < 0.4:
            first, last = name()
            systems["survey"].append(
                {
                    "email": world.mistyped(person["email"], 0.05),
                    "voornaam": first,
                    "geboortejaar": world.missing(person["born"][:4], 0.3),
                    "postcode": world.missing(person["postcode"], 0.3),
                    "person": who,
                }
            )
        if rng.random() < 0.4:
            first, last = name()
            systems["chat"].append(
                {
                    "customer_name": f"{last}, {first}" if rng.random() < 0.2 else f"{first} {last}",
                    "phone": person["mobile"] if rng.random() < 0.7 else person["phone"],
                    "city": world.missing(person["city"], 0.2),
                    "email": world.missing(person["email"], 0.5),
                    "person": who,
                }
            )
    return {name: pd.DataFrame(rows) for name, rows in systems.items()}


def insured_families(seed, households):
    """Two files of people with the number of an insurance, which in some families is that of a parent for everybody."""
    world = World(seed, households)
    rng = world.rng
    files = {"a": [], "b": []}
    numbers = {}
    for person in world.people:
        home = (person["street"], person["number"], person["postcode"])
        parent = numbers.setdefault(home, f"{rng.randint(100000000, 999999999)}")
        shares = random.Random(f"{seed} {home}").random() < 0.3
        own = parent if shares else f"{rng.randint(100000000, 999999999)}"
        for name, bad in (("a", 0.05), ("b", 0.25)):
            if rng.random() < 0.15:
                continue
            given = world.other_given(person["given"]) if rng.random() < bad / 2 else person["given"]
            files[name].append(
                {
                    "given_name": world.missing(world.mistyped(given, bad), bad / 4),
                    "surname": world.mistyped(person["family"], bad),
                    "date_of_birth": world.missing(world.date(person["born"], bad), bad),
                    "postcode": world.missing(world.mistyped(person["postcode"], bad), bad),
                    "national_id": world.missing(world.mistyped(own, bad / 3), bad),
                    "person": person["person"],
                }
            )
    return {name: pd.DataFrame(rows) for name, rows in files.items()}
