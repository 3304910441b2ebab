"""Data of a special category decides about people for one purpose alone, and goes to no ad platform.

Costs about 5 s: configurations are loaded, nothing runs.
"""

import shutil

import pytest
import yaml

from jobs.activation.channels.types import TYPES
from jobs.config.settings import load_settings
from jobs.config.wrong import ConfigError
from tests.packs.lived_pack import PACKS

PLATFORMS = {
    "google_data_manager": {"account_id": "1234567890"},
    "meta_ads": {"account_id": "1234567890"},
    "linkedin_ads": {},
    "tiktok_ads": {"advertiser_id": "1234567890"},
}


@pytest.fixture
def clinic(tmp_path, monkeypatch):
    """`clinic({"audiences/x.yaml": {...}})`: what is refused of the healthcare pack with these keys changed."""
    for variable in ("KLANTREIS_LANDING", "KLANTREIS_LAKE", "KLANTREIS_HOME"):
        monkeypatch.delenv(variable, raising=False)
    numbers = iter(range(100))

    def refused(changes):
        folder = tmp_path / str(next(numbers))
        shutil.copytree(PACKS / "healthcare" / "config", folder)
        for name, keys in changes.items():
            path = folder / name
            told = yaml.safe_load(path.read_text()) if path.exists() else {}
            path.write_text(yaml.safe_dump(told | keys, sort_keys=False))
        try:
            load_settings(folder)
        except ConfigError as error:
            return [problem.removeprefix(f"{folder}/") for problem in error.problems]
        return []

    return refused


def newsletter(**keys):
    return {"audiences/newsletter.yaml": keys}


@pytest.mark.parametrize(
    "rule",
    [
        "days_since_kept > 3",  # counted over all contacts
        "days_since_answer is null",  # over the dataset itself
        "known and not (DAYS_SINCE_MISSED > 0)",  # to leave somebody out is to use it, too
        "stage = 'service'",
        "previous_stage is null",
        "state = 'active'",
        "days_in_stage > 2",
        "go_until is null",
    ],
)
def test_a_newsletter_can_ask_nothing_of_health(clinic, rule):
    (told,) = clinic(newsletter(where=rule))
    assert told.startswith("audiences/newsletter.yaml:")
    assert "keeps for another purpose alone (`exclusive`), not for marketing" in told


def test_a_trait_made_of_traits_of_health_is_of_health(clinic):
    made = {"worried": {"title": "w", "value": "days_since_kept < 3", "type": "boolean"}}
    made["anxious"] = {"title": "a", "value": "worried", "type": "boolean"}
    own = yaml.safe_load((PACKS / "healthcare" / "config" / "traits.yaml").read_text())["traits"]
    with_them = {"traits.yaml": {"traits": own | made}}
    (told,) = clinic(with_them | newsletter(where="anxious"))
    assert ": where: anxious: made" in told
    assert clinic(with_them | {"audiences/feedback.yaml": {"where": "anxious"}}) == []


@pytest.mark.parametrize(
    "keys",
    [
        {"evidence": ["stage"]},
        {"value": "days_since_kept * 2"},
        {"moment": "go"},
        {"when": {"since": "days_since_kept", "at_least": 1, "at_most": 9}},
        {"after": {"action": "refill", "outcome": "sent"}},
    ],
)
def test_nor_by_its_evidence_value_moment_or_what_went_before(clinic, keys):
    (told,) = clinic(newsletter(**keys))
    assert told.split(":")[2].strip().split(".")[0] == next(iter(keys))


def test_what_contact_records_tell_may_be_asked_for_any_purpose(clinic):
    assert (
        clinic(newsletter(where="known and language = 'nl' and city = 'Delft' and age > 18 and days_known > 3")) == []
    )
    purposes = {"care": {"channels": ["email", "sms"], "exclusive": ["contacts"]}, "marketing": {"channels": ["email"]}}
    told = clinic({"identity.yaml": {"purposes": purposes}})
    assert ["where: known, language" in one for one in told] == [True], "unless they are of that category themselves"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_ad_platform_gets_an_audience_of_care_even_if_people_are_asked_about_ads_for_it(clinic, platform):
    shipped = yaml.safe_load((PACKS / "healthcare" / "config" / "destinations.yaml").read_text())["destinations"]
    ads = {"type": platform, "channel": "ads", "connection": "c", "options": PLATFORMS[platform]}
    care = {"channels": ["email", "sms", "ads"], "exclusive": ["appointments"]}
    purposes = {"care": care, "marketing": {"channels": ["email"]}}
    changed = {
        "destinations.yaml": {"destinations": shipped | {"ads": ads}},
        "identity.yaml": {"purposes": purposes},
        "audiences/refill.yaml": {"send_to": {"ads": {"list_id": "1"}}},
    }
    (told,) = clinic(changed)
    assert told.startswith("audiences/refill.yaml:")
    assert "send_to.ads: an ad platform is told nothing that is used for care alone" in told


def test_nor_does_a_channel_nobody_is_asked_about(clinic):
    shipped = yaml.safe_load((PACKS / "healthcare" / "config" / "destinations.yaml").read_text())["destinations"]
    calls = {"type": "file_drop", "channel": "phone", "connection": "c", "options": {"to": "var/calls"}}
    changed = {
        "destinations.yaml": {"destinations": shipped | {"calls": calls}},
        "audiences/refill.yaml": {"send_to": {"calls": {"list_id": "1"}}},
    }
    (told,) = clinic(changed)
    assert "send_to.calls: nobody is asked about phone for care" in told


def test_neither_the_contact_policy_nor_a_site_looks_at_it_for_everything(clinic):
    def away(**more):
        return {"contact_policy.yaml": {"keep_away": [{"reason": "in_care", "when": "days_since_kept < 3", **more}]}}

    assert len(clinic(away())) == len(clinic(away(purposes=["marketing"]))) == 1
    assert len(clinic(away(purposes=["care", "marketing"]))) == 1
    assert clinic(away(purposes=["care"])) == []
    site = {"variants": [{"name": "help", "when": "stage = 'service'"}]}
    assert len(clinic({"context.yaml": site})) == len(clinic({"context.yaml": site | {"purpose": "marketing"}})) == 1
    assert clinic({"context.yaml": site | {"purpose": "care"}}) == []
    assert len(clinic({"context.yaml": {"file": "var/context.jsonl"}})) == 1


def test_a_dataset_belongs_to_one_purpose_and_has_to_be_one(clinic):
    purposes = {"care": {"channels": ["email", "sms"], "exclusive": ["appointments"]}}
    two = purposes | {"marketing": {"channels": ["email"], "exclusive": ["appointments"]}}
    told = clinic({"identity.yaml": {"purposes": two}})
    assert "purposes.marketing.exclusive: appointments belongs to care alone already" in told[0]
    (told,) = clinic({"identity.yaml": {"purposes": {"care": {"channels": ["email"], "exclusive": ["appointment"]}}}})
    assert "did you mean 'appointments'" in told


def test_these_are_the_ad_platforms_there_are():
    assert {name for name, one in TYPES.items() if one.advertises} == set(PLATFORMS)
    assert {name for name in TYPES if "ads" in name} <= set(PLATFORMS)
