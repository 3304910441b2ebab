"""The card of a model, as people read it in MLflow: what it is for, what it learned from, its limits, the decision."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mlflow.data.delta_dataset_source import DeltaDatasetSource
from mlflow.data.meta_dataset import MetaDataset

from jobs.config.models.learned import Learned

DECISION = "\n\n## Decision\n\n"
NOTE, KIND_OF_EXPERIMENT = "mlflow.note.content", "mlflow.experimentKind"
"""Tags by which MLflow shows a text, and opens an experiment on its runs rather than on traces it has none of."""
TRAINING = "custom_model_development"


def about(learned: Learned | None, name: str) -> str:
    """What a model is and for whom, for its page and that of its experiment."""
    if learned is None:
        return f"{name}: a model that Klantreis keeps itself; it scores nobody."
    decides = " A person approves each version." if learned.approval == "person" else ""
    return f"{learned.title}. {learned.about} Kind: {learned.kind}. Owner: {learned.owner}.{decides}"


def card(learned: Learned | None, name: str, tags: Mapping[str, str], told: Mapping[str, str]) -> str:
    """The card of one version, before anything is decided about it: Markdown."""
    tables = json.loads(tags.get("data_version", "{}"))
    lines = {
        "What for, for whom": learned.about if learned else about(None, name),
        "Who answers for it": learned.owner if learned else "",
        "Kind": learned.kind if learned else "",
        "Trained for": tags.get("day", ""),
        **told,
        "Tables": ", ".join(f"{table} at version {number}" for table, number in sorted(tables.items())),
    }
    listed = "\n".join(f"- **{key}:** {value}" for key, value in lines.items() if value)
    return f"# {learned.title if learned else name}\n\n{listed}"


def decided(text: str, tags: Mapping[str, str]) -> str:
    """The card with the decision and why, and who approved; an earlier decision in it is replaced."""
    why = "".join(f"\n- {one}" for one in tags.get("reason", "").split("; ") if one)
    who = f"\n\nApproved by {tags['approved_by']}: {tags['approved_because']}" if "approved_by" in tags else ""
    return f"{text.partition(DECISION)[0]}{DECISION}**{tags.get('decision', '')}**{who}\n{why}"


def inputs(tags: Mapping[str, str], lake: str, elsewhere: Mapping[str, str]) -> list[MetaDataset]:
    """The tables a version was trained on, as MLflow data sets: where, and at which version. No rows."""
    found = []
    for table, number in sorted(json.loads(tags.get("data_version", "{}")).items()):
        root = elsewhere.get(table.partition("/")[0], lake).rstrip("/")
        source = DeltaDatasetSource(path=f"{root}/{table}", delta_table_version=number)
        found.append(MetaDataset(source, name=table))  # type: ignore[abstract]
    return found
