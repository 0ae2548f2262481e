"""JSON Schema (draft 2020-12) of everything on the wire: one file a kind, in one folder a topic.

`python -m loyalty.wire.schemas [FOLDER]` writes them, to `catalogue/schemas` by default.

What JSON Schema cannot say is left to the models: that 10.0 is not an integer, that a date exists, that thresholds
ascend, that `line_id`s are unique.

Keywords of our own say which edition of the contract something came with, where it was not the first: `x-edition` a
field, `x-limit-edition` the upper limit beside it (`maxLength`, `maxItems`). `x-record-max-bytes`, of edition 2, is how
large a record may be, key and value together.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from loyalty.wire import context, decisions, engagements, fraud, members, program, transactions
from loyalty.wire.evidence import EVIDENCE
from loyalty.wire.fields import OUTPUT_BYTES_MAX, RECORD_BYTES_MAX

FOLDER = Path(__file__).resolve().parents[2] / "catalogue" / "schemas"

KINDS: dict[str, dict[str, Any]] = {
    transactions.TOPIC: {
        "purchase": transactions.Purchase,
        "refund": transactions.Refund,
        "cancellation": transactions.Cancellation,
        "adjustment": transactions.Adjustment,
        "redemption.requested": transactions.RedemptionRequested,
        "redemption.committed": transactions.RedemptionCommitted,
        "redemption.cancelled": transactions.RedemptionCancelled,
    },
    engagements.TOPIC: {"engagement": engagements.Engagement},
    members.TOPIC: {"member.profile": members.MemberProfile, "member.consent": members.MemberConsent},
    program.TOPIC: dict(program.KINDS),
    fraud.TOPIC: {"fraud.signal": fraud.FraudSignal},
    context.TOPIC: {"engagement-context": context.EngagementContext},
    decisions.TOPIC: {"decision": decisions.Decision},
    decisions.DEAD_LETTER_TOPIC: {"dead-letter": decisions.DeadLetter},
}
"""The models by topic and kind."""


OUTPUTS = (decisions.TOPIC, decisions.DEAD_LETTER_TOPIC)


class _WithoutFieldTitles(GenerateJsonSchema):
    """`line_id` needs no title "Line Id"."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schemas() -> dict[str, str]:
    """The text of every schema by its path below the folder."""
    texts = {}
    for topic, kinds in KINDS.items():
        for kind, model in kinds.items():
            path = f"{topic}/{kind}.json"
            schema = TypeAdapter(model).json_schema(mode="validation", schema_generator=_WithoutFieldTitles)
            whole = {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$id": path,
                "x-record-max-bytes": OUTPUT_BYTES_MAX if topic in OUTPUTS else RECORD_BYTES_MAX,
                **schema,
            }
            if model is decisions.Decision:
                _add_evidence(whole)
            texts[path] = json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
    return texts


def _add_evidence(schema: dict[str, Any]) -> None:
    """The shapes of evidence by the decision's type. What has no version is of the contract's first edition, when its
    shape was not published."""
    shapes = {shape.__name__: shape for kinds in EVIDENCE.values() for shape in kinds}
    _, found = TypeAdapter.json_schemas(
        [(name, "validation", TypeAdapter(shape)) for name, shape in shapes.items()],
        schema_generator=_WithoutFieldTitles,
    )
    schema["$defs"].update(found["$defs"])
    schema["allOf"] = [
        {
            "if": {
                "properties": {"type": {"const": kind}, "evidence": {"required": ["version"]}},
                "required": ["type", "evidence"],
            },
            "then": {
                "properties": {"evidence": {"anyOf": [{"$ref": f"#/$defs/{shape.__name__}"} for shape in of_kind]}}
            },
        }
        for kind, of_kind in EVIDENCE.items()
    ]


def write(folder: Path) -> None:
    """Writes every schema, and removes files of kinds that are no more."""
    texts = schemas()
    for stale in folder.glob("*/*.json"):
        if stale.relative_to(folder).as_posix() not in texts:
            stale.unlink()
    for path, text in texts.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
