"""The contract's field types, and the base of every model on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from loyalty.times import TIME_PATTERN, format_time, parse_time

INT53_MAX = 2**53 - 1
"""Integers on the wire lie within plus and minus this (contract §1)."""


def _read_time(text: str) -> int:
    try:
        return parse_time(text)
    except ValueError:
        raise PydanticCustomError("time", "Input should be a UTC time like 2026-11-23T10:15:00.000Z") from None


class _WireTime:
    """Epoch milliseconds in Python, text in JSON."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(_read_time, core_schema.str_schema(strict=True)),
            python_schema=core_schema.int_schema(strict=True),
            serialization=core_schema.plain_serializer_function_ser_schema(format_time, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": TIME_PATTERN}


Time = Annotated[int, _WireTime]
"""A moment: epoch milliseconds in Python, `2026-11-23T10:15:00.000Z` on the wire."""


class _SinceEdition:
    """The edition of the contract that the upper limits of a field came with (contract §7), for its schema."""

    def __init__(self, edition: int) -> None:
        self._edition = edition

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "x-limit-edition": self._edition}


LIMIT_OF_EDITION_2 = _SinceEdition(2)

Text = Annotated[str, StringConstraints(strict=True, min_length=1)]
"""Of what the loop itself writes, where it does not limit it."""
Text128 = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=128), LIMIT_OF_EDITION_2]
"""A text field, where the contract (§1, sizes) does not name another limit."""
Text64 = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=64), LIMIT_OF_EDITION_2]
"""`line_id`, `sku`, `category`, `signal`, `tier` and the names of rules."""
Text256 = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=256), LIMIT_OF_EDITION_2]
"""A person's name."""
Text500 = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=500), LIMIT_OF_EDITION_2]
"""The reason of an adjustment."""
LINES_MAX = 4000
ENTRIES_MAX = 1000
"""Of `known_devices` and of each list of a programme document."""
RECORD_BYTES_MAX = 2 * 1024 * 1024
"""Of an input record, key and value together (contract §1)."""
OUTPUT_BYTES_MAX = 4 * 1024 * 1024
"""Of a decision or a dead letter (contract §1)."""
Currency = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{3}$")]
"""The form of ISO 4217. Whether a currency earns is for the programme to say."""
Int53 = Annotated[int, Field(strict=True, ge=-INT53_MAX, le=INT53_MAX)]
NonNegative = Annotated[int, Field(strict=True, ge=0, le=INT53_MAX)]
Positive = Annotated[int, Field(strict=True, ge=1, le=INT53_MAX)]
Exact = Annotated[int, Field(strict=True)]
"""A computed number: exact, whatever its size (contract §4)."""
ExactNonNegative = Annotated[int, Field(strict=True, ge=0)]
SchemaVersion = Annotated[int, Field(strict=True, ge=1, le=1, json_schema_extra={"const": 1})]
"""Not Literal[1], which would let 1.0 and true pass."""


class WireModel(BaseModel):
    """Strict about the fields it knows, silent about the others, immutable."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", use_attribute_docstrings=True)


class Event(WireModel):
    """The envelope (contract §1)."""

    event_id: Text128
    """Unique; the same event sent again has the same one."""
    schema_version: SchemaVersion
    source: Text128
    """The producer."""
    occurred_at: Time
