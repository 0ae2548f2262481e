from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from loyalty.wire.schemas import FOLDER, schemas
from tests.wire import examples

EXAMPLES: dict[str, dict[str, Any]] = {
    **{f"loyalty.transactions/{kind}": example for kind, example in examples.TRANSACTIONS.items()},
    **{f"loyalty.program/{name.partition('/')[0]}": examples.document(name) for name in examples.BODIES},
    "loyalty.engagements/engagement": examples.ENGAGEMENT,
    "loyalty.members/member.profile": examples.PROFILE,
    "loyalty.members/member.consent": examples.CONSENT,
    "loyalty.fraud-signals/fraud.signal": examples.SIGNAL,
    "loyalty.engagement-context/engagement-context": examples.CONTEXT,
    "loyalty.decisions/decision": examples.DECISION,
    "loyalty.dead-letters/dead-letter": examples.DEAD_LETTER,
}


def test_the_published_schemas_are_current() -> None:
    """Otherwise: python -m loyalty.wire.schemas"""
    published = {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in FOLDER.glob("*/*.json")}
    assert published == schemas()


def test_every_schema_has_an_example() -> None:
    assert {f"{path}.json" for path in EXAMPLES} == schemas().keys()


@pytest.mark.parametrize("path", EXAMPLES)
def test_examples_fit_their_schema_and_cannot_lose_a_required_field(path: str) -> None:
    schema = json.loads(schemas()[f"{path}.json"])
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    example = EXAMPLES[path]
    validator.validate(example)
    validator.validate({**example, "unknown": [1.5, None]})
    assert schema["required"]
    for field in schema["required"]:
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(examples.without(example, field))


def test_schemas_refuse_what_the_models_refuse() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schemas()["loyalty.transactions/purchase.json"]))
    changes: list[dict[str, Any]] = [
        {"occurred_at": "2026-11-23"},
        {"schema_version": 2},
        {"account_id": ""},
        {"channel": "fax"},
        {"lines": []},
    ]
    for change in changes:
        with pytest.raises(jsonschema.ValidationError):
            validator.validate({**examples.PURCHASE, **change})
