"""What customers and agents write, in Dutch and English, by subject and mood."""

from __future__ import annotations

import random

Phrases = dict[str, dict[str, tuple[str, ...]]]

OPINIONS: Phrases = {
    "nl": {
        "positive": (
            "Heel vriendelijk personeel en altijd snel geholpen",
            "De groente en het fruit zijn lekker vers",
            "Fijne winkel met een ruim assortiment",
            "De bezorging was netjes op tijd",
            "De app werkt prettig en is overzichtelijk",
            "Goede aanbiedingen en de spaarpunten zijn een leuk extraatje",
            "Geweldige service, dit verdient een compliment",
            "Ik kom hier al jaren met veel plezier",
            "Alles zat goed ingepakt en was compleet",
            "Mijn klacht werd meteen keurig opgelost",
        ),
        "neutral": (
            "Prima winkel, niets bijzonders",
            "De prijzen zijn gemiddeld",
            "Het was wel oké, soms wat druk",
            "Meestal vind ik wat ik zoek",
            "De website is redelijk, al kan het zoeken beter",
            "Niet beter of slechter dan andere winkels",
        ),
        "negative": (
            "De bezorging was veel te laat en niemand belde",
            "Het brood was oud en de sla was bruin",
            "Ik stond twintig minuten in de rij, belachelijk",
            "Slechte klantenservice, ik kreeg geen antwoord",
            "De app loopt steeds vast bij het afrekenen",
            "Weer producten niet op voorraad, erg teleurstellend",
            "De prijzen zijn veel te hoog geworden",
            "Verkeerde artikelen ontvangen en geen geld terug",
            "Onvriendelijk personeel, ik ben er helemaal klaar mee",
            "Mijn punten zijn zomaar verdwenen, ik ben boos",
        ),
    },
    "en": {
        "positive": (
            "Very friendly staff and quick service",
            "Great selection and always fresh produce",
            "Delivery was right on time, excellent",
            "The app is easy to use and I love the offers",
            "My problem was solved straight away, thank you",
            "Best supermarket in town, happy to come back",
        ),
        "neutral": (
            "It was fine, nothing special",
            "Average prices, average store",
            "Usually I find what I need",
            "The website is okay but search could be better",
        ),
        "negative": (
            "Delivery was two hours late and nobody told me",
            "The vegetables were rotten, very disappointing",
            "Terrible customer service, no reply at all",
            "The app keeps crashing at checkout, awful",
            "Too expensive and half of my list was out of stock",
            "I was charged twice and still have no refund",
        ),
    },
}
ENDINGS = {
    "nl": {
        "positive": (". Dank jullie wel!", ", ga zo door.", ". Een aanrader.", "!"),
        "neutral": (".", ", verder geen mening.", "."),
        "negative": (". Zo raken jullie mij kwijt.", ", dit kan echt niet.", ". Heel vervelend.", "!"),
    },
    "en": {
        "positive": (". Thanks!", ", keep it up.", ". Recommended.", "!"),
        "neutral": (".", ", no strong opinion.", "."),
        "negative": (". You are losing me.", ", this is unacceptable.", ". Not happy.", "!"),
    },
}
QUESTIONS: Phrases = {
    "nl": {
        "delivery": ("Waar blijft mijn bestelling?", "Mijn bezorging zou er om zes uur zijn, komt die nog?"),
        "refund": ("Wanneer krijg ik mijn geld terug?", "Ik heb iets teruggestuurd maar zie nog geen terugbetaling."),
        "product": ("Zit er noten in de muesli van het huismerk?", "Is dit product ook glutenvrij?"),
        "stock": ("Is de havermelk weer op voorraad?", "Wanneer komt de aanbieding weer binnen in de winkel?"),
        "opening_hours": ("Zijn jullie zondag open?", "Tot hoe laat is de winkel vanavond open?"),
        "points": ("Waar zie ik mijn spaarpunten?", "Mijn punten van vorige week staan er niet bij."),
        "account": ("Ik kan niet meer inloggen.", "Hoe verander ik mijn e-mailadres?"),
        "complaint": ("Ik wil een klacht indienen over de bezorging.", "Dit is de derde keer dat er iets mist!"),
        "praise": ("Ik wil even een compliment geven aan de bezorger.", "Wat fijn dat het zo snel is opgelost!"),
    },
    "en": {
        "delivery": ("Where is my order?", "My delivery was due at six, is it still coming?"),
        "refund": ("When will I get my money back?", "I returned an item but see no refund yet."),
        "product": ("Are there nuts in your own brand muesli?", "Is this product gluten free?"),
        "stock": ("Is the oat milk back in stock?", "When will the offer be back in the store?"),
        "opening_hours": ("Are you open on Sunday?", "How late is the store open tonight?"),
        "points": ("Where can I see my points?", "My points of last week are missing."),
        "account": ("I cannot log in any more.", "How do I change my e-mail address?"),
        "complaint": ("I want to complain about the delivery.", "This is the third time something is missing!"),
        "praise": ("I would like to compliment the driver.", "Great that this was solved so quickly!"),
    },
}
BOT = {"nl": "Hallo! Waar kunnen we mee helpen?", "en": "Hello! How can we help?"}
AGENT = {
    "nl": ("Ik zoek het even voor u op.", "Vervelend om te horen, ik kijk direct mee.", "Dat regel ik voor u."),
    "en": (
        "Let me look that up for you.",
        "Sorry to hear that, I will check right away.",
        "I will arrange that for you.",
    ),
}
DETAILS = {
    "nl": (
        "Mijn bestelnummer is {order}.",
        "U kunt mij bereiken op {phone}.",
        "Mijn e-mailadres is {email}.",
        "Het gaat om gisteren.",
    ),
    "en": (
        "My order number is {order}.",
        "You can reach me on {phone}.",
        "My e-mail address is {email}.",
        "It is about yesterday.",
    ),
}
CLOSINGS: Phrases = {
    "nl": {
        "positive": ("Top, heel erg bedankt!", "Super, dank u wel voor de snelle hulp."),
        "neutral": ("Oké, duidelijk.", "Goed, dan wacht ik dat af."),
        "negative": ("Hier heb ik niets aan.", "Belachelijk, dit duurt veel te lang."),
    },
    "en": {
        "positive": ("Perfect, thank you very much!", "Great, thanks for the quick help."),
        "neutral": ("Okay, clear.", "Fine, I will wait for that."),
        "negative": ("This does not help me at all.", "Ridiculous, this takes far too long."),
    },
}


def opinion(chance: random.Random, language: str, mood: str) -> str:
    """One or two sentences in the mood."""
    pool = OPINIONS[language][mood]
    text = chance.choice(pool)
    if chance.random() < 0.3:
        text = f"{text}. {chance.choice([other for other in pool if other != text])}"
    return text + chance.choice(ENDINGS[language][mood])


def mood_of(score: float, lowest: float, highest: float) -> str:
    """The mood that goes with a score: the top fifth is positive, below the middle is negative."""
    part = (score - lowest) / (highest - lowest)
    return "positive" if part >= 0.75 else "negative" if part < 0.55 else "neutral"
