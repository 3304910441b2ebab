"""Which datasets hold texts that people wrote, and what of their rows is the text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Written:
    """Where the text of a dataset is. SQL over its rows."""

    text: str
    reference: str
    """What names the record, as touchpoints do."""

    written_at: str
    """When this version was written."""

    thread: str | None = None
    """The conversation it is part of, for what is only part of one."""

    where: str = "true"
    """Rows that a customer wrote."""


TEXTS: dict[str, Written] = {
    "survey_responses": Written("comment", "concat_ws(':', response_id, question_id)", "updated_at"),
    "reviews": Written("concat_ws('. ', title, text)", "review_id", "updated_at"),
    "messages": Written(
        "text", "message_id", "sent_at", "conversation_id", "coalesce(lower(author), 'customer') = 'customer'"
    ),
    "social_posts": Written("text", "post_id", "updated_at"),
    "notes": Written("text", "note_id", "updated_at"),
}
"""Datasets with texts. Of conversations and tickets the texts are their messages."""
TABLE = "models/texts"
LONGEST = 20_000
"""Characters of a text that are kept, masked; what follows is left out, for nobody has looked for names in it."""
SAYS = ("sentiment", "tone", "intent", "theme")
"""What touchpoints tell of the text beside them."""
