"""`brand` of config/content.yaml: what every text must hold, must never say, and how long and loud it may be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from jobs.config.decisions import Text
from jobs.config.yaml_files import Strict

Form = Literal["txt", "html", "sms"]
Language = Annotated[str, Field(pattern="^[a-z]{2}$")]
Value = Literal["company", "first_name", "audience", "unsubscribe_url"]


class _About(Strict):
    """Which texts it is about."""

    languages: list[Language] = Field([], description="texts in these languages; default: all")
    forms: list[Form] = Field([], description="texts with these endings; default: all")

    def concerns(self, language: str, form: str) -> bool:
        """Whether it is about a text."""
        return (not self.languages or language in self.languages) and (not self.forms or form in self.forms)


class Forbidden(_About):
    """What a text never says, such as a claim nobody can prove."""

    words: list[Text] = Field(
        min_length=1,
        description="words and phrases, whole; `guarant*` is every word that begins so. Capitals, accents and tags in "
        "between do not matter",
    )
    because: Text = Field(description="why, for whoever writes it all the same")


class Required(_About):
    """What a text has to hold."""

    value: Value | None = Field(None, description="what is filled in, such as unsubscribe_url")
    any_of: list[Text] = Field([], description="one of these texts, as they are")
    because: Text

    @model_validator(mode="after")
    def _says_what(self) -> Required:
        if (self.value is None) == (not self.any_of):
            raise ValueError("say `value` (what is filled in) or `any_of` (texts), one of them")
        return self


class Tone(_About):
    """How long and how loud a text may be, as a reader sees it."""

    longest: int | None = Field(None, gt=0, description="characters, the subject not counted")
    longest_subject: int | None = Field(None, gt=0, description="characters of the subject of an e-mail")
    longest_sentence: int | None = Field(None, gt=0, description="words of a sentence")
    exclamation_marks: int | None = Field(None, ge=0, description="at most so many in a text, its subject included")
    words_in_capitals: int | None = Field(
        None, ge=0, description="at most so many words of four capitals or more, the name of the company not counted"
    )


class Brand(Strict):
    """What holds for every text in config/templates; `klantreis check` tells what breaks it, with file and line."""

    forbidden: list[Forbidden] = []
    required: list[Required] = []
    tone: list[Tone] = []
