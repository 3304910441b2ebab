"""Which audiences models decide about, and whose objection keeps people out of one."""

from __future__ import annotations

from jobs.config.actions.audiences import Audience
from jobs.config.settings import Settings
from jobs.config.sql.guard import columns_in


def models_asked(audience: Audience) -> set[str]:
    """Models whose score or label the rule of an audience, what reaching it brings, or its evidence looks at."""
    used = {
        *audience.evidence,
        *(name for text in (audience.where, audience.value or "") if text for name in columns_in(text)),
    }
    return {name[6:] for name in used if name[:6] in ("score_", "label_")}


def objections_to(audience: Audience, settings: Settings) -> list[str]:
    """The purposes of `objections` in config/identity.yaml whose noes keep people out of an audience."""
    declared = settings.identity.objections
    against = [declared.restriction, declared.profiling if models_asked(audience) else None]
    return [purpose for purpose in against if purpose]
