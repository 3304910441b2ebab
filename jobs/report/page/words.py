"""What the page says, in English and Dutch: every text it shows that comes neither from the lake nor from a company."""

from __future__ import annotations

from typing import Literal, get_args

Language = Literal["en", "nl"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

PARTS: dict[str, tuple[str, str]] = {
    "where": ("Where are we", "Waar staan we"),
    "journey": ("The journey", "De klantreis"),
    "paths": ("Paths", "Paden"),
    "moments": ("Moments", "Momenten"),
    "models": ("Segments and models", "Segmenten en modellen"),
    "actions": ("Audiences and deliveries", "Doelgroepen en verzendingen"),
    "data": ("Data", "Gegevens"),
    "customer": ("One customer", "Eén klant"),
}

PANELS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "kpis": (
        ("Figures per stage", "Cijfers per fase"),
        (
            "The newest value of every figure, the line of the last weeks, and the target where one is set.",
            "De nieuwste waarde van elk cijfer, de lijn van de laatste weken, en het doel als dat er is.",
        ),
    ),
    "stages_now": (
        ("Who is in which stage", "Wie is in welke fase"),
        (
            "Customers are known by a contact, order or login; visitors only by a cookie.",
            "Klanten zijn bekend door een contact, bestelling of login; bezoekers alleen door een cookie.",
        ),
    ),
    "journey_map": (
        ("Journey map", "Kaart van de klantreis"),
        (
            "Contacts of the last 90 days in the order of the stages people were in. Emotion runs from -100 (all went"
            " badly) to 100 (all went well), with its 95 % interval.",
            "Contacten van de laatste 90 dagen in de volgorde van de fase waarin men was. Emotie loopt van -100 (alles"
            " ging slecht) tot 100 (alles ging goed), met het 95 %-interval.",
        ),
    ),
    "stage_flow": (
        ("Moves between stages", "Overgangen tussen fasen"),
        (
            "Moves of the last 90 days, from the stage on the left to the stage on the right.",
            "Overgangen van de laatste 90 dagen, van de fase links naar de fase rechts.",
        ),
    ),
    "moments_now": (
        ("Moments now", "Momenten nu"),
        (
            "Moments of the last 24 hours: still open, served by what the visitor found, or missed.",
            "Momenten van de laatste 24 uur: nog open, beantwoord door wat de bezoeker vond, of gemist.",
        ),
    ),
    "moments_by_day": (
        ("Moments by day", "Momenten per dag"),
        ("What visitors wanted, day by day.", "Wat bezoekers wilden, dag voor dag."),
    ),
    "segments": (
        ("Segments", "Segmenten"),
        ("Groups of customers who behave alike.", "Groepen klanten die zich hetzelfde gedragen."),
    ),
    "churn_risk": (
        ("Risk of losing customers", "Kans om klanten te verliezen"),
        ("Customers by risk, as scored on each day.", "Klanten naar risico, zoals op elke dag berekend."),
    ),
    "models": (
        ("Models", "Modellen"),
        (
            "A trained model is promoted only if it beats its baseline; the reason says why or why not.",
            "Een getraind model wordt alleen gebruikt als het zijn basislijn verslaat; de reden zegt waarom.",
        ),
    ),
    "deliveries": (
        ("What became of every audience member", "Wat er van elk lid van een doelgroep is geworden"),
        (
            "Held out: kept apart to measure the effect. Kept: already there, nothing to do.",
            "Achtergehouden: apart gehouden om het effect te meten. Behouden: stond er al, niets te doen.",
        ),
    ),
    "audiences": (
        ("Size of audiences", "Grootte van doelgroepen"),
        ("Members per day.", "Leden per dag."),
    ),
    "freshness": (
        ("Freshness", "Versheid"),
        (
            "The newest file of every dataset and where its rows went.",
            "Het nieuwste bestand van elke dataset en waar de rijen bleven.",
        ),
    ),
    "arrivals": (
        ("Rows by day of arrival", "Rijen per dag van aankomst"),
        ("Accepted rows of each source.", "Aanvaarde rijen van elke bron."),
    ),
    "quarantine": (
        ("Rows set aside", "Apart gezette rijen"),
        (
            "By the rule they broke, with what to do about it.",
            "Naar de regel die zij braken, met wat eraan te doen is.",
        ),
    ),
    "customer": (
        ("The journey of one customer", "De reis van één klant"),
        (
            "Contacts, moments, stages, sends and decisions in order, with their reasons. Search by customer id.",
            "Contacten, momenten, fasen, verzendingen en beslissingen op volgorde, met hun redenen. Zoek op klant-id.",
        ),
    ),
}
"""Title of a panel, and what one sees."""

COLUMNS: dict[str, tuple[str, str]] = {
    "accepted": ("accepted", "aanvaard"),
    "auc": ("AUC", "AUC"),
    "audience": ("audience", "doelgroep"),
    "baseline_auc": ("baseline AUC", "AUC basislijn"),
    "contacts": ("contacts", "contacten"),
    "customers": ("customers", "klanten"),
    "dataset": ("dataset", "dataset"),
    "day": ("day", "dag"),
    "days_behind": ("days behind", "dagen achter"),
    "days_in_stage": ("days in stage (median)", "dagen in fase (mediaan)"),
    "days_since_contact": ("days since contact before", "dagen sinds vorig contact"),
    "decision": ("decision", "besluit"),
    "delivered": ("delivered", "afgeleverd"),
    "denominator": ("out of", "van"),
    "description": ("description", "omschrijving"),
    "destination": ("destination", "bestemming"),
    "drop_off_percent": ("no contact after it, %", "geen contact erna, %"),
    "duplicates": ("duplicates", "dubbel"),
    "emotion": ("emotion", "emotie"),
    "emotion_high": ("emotion, high end", "emotie, hoogste"),
    "emotion_low": ("emotion, low end", "emotie, laagste"),
    "ends_within_the_hour": ("ends within the hour", "eindigt binnen het uur"),
    "files": ("files", "bestanden"),
    "files_set_aside": ("files set aside", "bestanden apart gezet"),
    "first_day": ("first day", "eerste dag"),
    "held_out": ("held out", "achtergehouden"),
    "kept": ("kept", "behouden"),
    "kpi": ("figure", "cijfer"),
    "last_day": ("last day", "laatste dag"),
    "left_out": ("left out", "overgeslagen"),
    "mean_probability": ("mean probability", "gemiddelde kans"),
    "members": ("members", "leden"),
    "missed": ("missed", "gemist"),
    "model": ("model", "model"),
    "moment": ("moment", "moment"),
    "moments": ("moments", "momenten"),
    "moves": ("moves", "overgangen"),
    "newest_file": ("newest file", "nieuwste bestand"),
    "no_address": ("no address", "geen adres"),
    "no_consent": ("no consent", "geen toestemming"),
    "numerator": ("counted", "geteld"),
    "open": ("open", "open"),
    "people": ("people", "mensen"),
    "percent": ("%", "%"),
    "persons": ("persons", "personen"),
    "quarantined": ("quarantined", "in quarantaine"),
    "reason": ("reason", "reden"),
    "refused": ("refused", "geweigerd"),
    "removed": ("removed", "verwijderd"),
    "risk": ("risk", "risico"),
    "rows": ("rows", "rijen"),
    "rows_in": ("rows in", "rijen binnen"),
    "rule": ("rule", "regel"),
    "segment": ("segment", "segment"),
    "series": ("line", "lijn"),
    "served": ("served", "beantwoord"),
    "served_percent": ("served, %", "beantwoord, %"),
    "silhouette": ("silhouette", "silhouet"),
    "source": ("source", "bron"),
    "stage": ("stage", "fase"),
    "stage_after": ("stage after", "fase erna"),
    "stage_before": ("stage before", "fase ervoor"),
    "suppressed": ("suppressed", "geblokkeerd"),
    "touchpoint": ("touchpoint", "contactpunt"),
    "trained": ("trained", "getraind"),
    "unit": ("unit", "eenheid"),
    "unknown": ("unknown", "onbekend"),
    "value": ("value", "waarde"),
    "version": ("version", "versie"),
}

VALUES: dict[str, tuple[str, str]] = {
    "all": ("all", "alles"),
    "awareness": ("awareness", "bewustwording"),
    "consideration": ("consideration", "overweging"),
    "purchase": ("purchase", "aankoop"),
    "service": ("service", "service"),
    "loyalty": ("loyalty", "loyaliteit"),
    "customers": ("customers", "klanten"),
    "visitors": ("visitors", "bezoekers"),
    "without_profile": ("without a profile", "zonder profiel"),
    "know": ("I want to know", "Ik wil weten"),
    "go": ("I want to go", "Ik wil erheen"),
    "do": ("I want to do", "Ik wil doen"),
    "buy": ("I want to buy", "Ik wil kopen"),
    "promoted": ("promoted", "in gebruik genomen"),
    "refused": ("refused", "geweigerd"),
}
"""Values of the platform's own; what a company names, such as an audience, stays as it is named."""

SENTENCES: dict[str, tuple[str, str]] = {
    "title": ("Customer journey", "Klantreis"),
    "as_known": ("as the data of {day} know it", "zoals de gegevens van {day} het weten"),
    "well": (
        "Every row and every audience member is accounted for.",
        "Elke rij en elk lid van een doelgroep is verantwoord.",
    ),
    "not_well": ("Something is not accounted for:", "Iets is niet verantwoord:"),
    "nothing": (
        "Nothing is loaded yet. Switch on the ingest DAGs, or trigger them for a day.",
        "Er is nog niets geladen. Zet de ingest-DAG's aan, of start ze voor een dag.",
    ),
    "no_source": (
        "No data yet: nothing has filled {tables}.",
        "Nog geen gegevens: niets heeft {tables} gevuld.",
    ),
    "no_rows": (
        "There is nothing to show: the tables have no such rows.",
        "Er is niets te tonen: zulke rijen zijn er niet.",
    ),
    "behind": ("Table, query and date", "Tabel, query en datum"),
    "data_until": ("Data until {day}", "Gegevens tot en met {day}"),
    "loading": ("Loading…", "Laden…"),
    "failed": ("This part could not be read: {reason}", "Dit deel kon niet worden gelezen: {reason}"),
    "choose": ("Choose {column}", "Kies {column}"),
    "query": ("Query", "Query"),
    "rows_shown": ("{shown} of {all} rows", "{shown} van {all} rijen"),
    "target": ("target {value}", "doel {value}"),
    "no_value": ("no value: nothing to divide by", "geen waarde: niets om door te delen"),
    "small": ("few cases", "weinig gevallen"),
    "alert": ("beyond its limit", "over de grens"),
    "search": ("Customer id", "Klant-id"),
    "find": ("Show", "Toon"),
    "not_found": ("No customer has this id.", "Geen klant heeft dit id."),
    "not_allowed": (
        "Your role in Airflow does not let you see single customers.",
        "Met jouw rol in Airflow kun je geen losse klanten zien.",
    ),
    "not_here": (
        "Single customers are shown in Airflow only, to those who may see them.",
        "Losse klanten zijn alleen in Airflow te zien, voor wie dat mag.",
    ),
    "data_docs": ("Validation results", "Resultaten van de validatie"),
    "mlflow": ("Models in MLflow", "Modellen in MLflow"),
    "other_language": ("Nederlands", "English"),
    "skip": ("To the figures", "Naar de cijfers"),
}


def said(key: str, language: Language, **values: object) -> str:
    """A sentence in that language, with its gaps filled."""
    return SENTENCES[key][LANGUAGES.index(language)].format(**values)


def book(language: Language) -> dict[str, dict[str, str]]:
    """All words of one language, for the browser."""
    at = LANGUAGES.index(language)
    return {
        "parts": {key: words[at] for key, words in PARTS.items()},
        "titles": {key: words[0][at] for key, words in PANELS.items()},
        "notes": {key: words[1][at] for key, words in PANELS.items()},
        "columns": {key: words[at] for key, words in COLUMNS.items()},
        "values": {key: words[at] for key, words in VALUES.items()},
        "sentences": {key: words[at] for key, words in SENTENCES.items()},
    }
