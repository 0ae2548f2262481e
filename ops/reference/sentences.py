"""`sentences.md`: every sentence that a reason can say, and what each type of decision holds as evidence."""

from __future__ import annotations

from typing import Any, get_type_hints

from loyalty.rules.reason_texts import reason_text
from loyalty.rules.sentences import EXAMPLES
from loyalty.wire.evidence import EVIDENCE
from ops.reference.markdown import code, page, sentences, table

INTRODUCTION = """Each reason of a decision has a code and a sentence that can be read aloud (contract §5). Numbers,
spans and times are written as people say them; no sentence holds a name, a birth date or a device."""

EVIDENCE_INTRODUCTION = """What a decision was made on, by its type (contract §5, *evidence*): the facts that the pure
decide function was given and, beside them, the figures that it found. `version` says which shape it is, `late` whether
the event came later than the watermark lag allows. The same shapes are in the JSON Schema of a decision."""


def text() -> str:
    """The page, as Markdown."""
    rows = [[code(kind), code(reason), reason_text(reason), said] for kind, reason, said in EXAMPLES]
    return page(
        "Sentences",
        "`loyalty/rules/sentences.py`",
        [INTRODUCTION, table(["Decision", "Reason", "In a few words", "An example"], rows)],
    )


def evidence() -> str:
    """The page of the shapes of evidence, as Markdown."""
    parts = [EVIDENCE_INTRODUCTION]
    for kind, shapes in EVIDENCE.items():
        parts.append(f"## {code(kind)}")
        for shape in shapes:
            rows = [[code(name)] for name in _fields(shape)]
            parts += [sentences(shape.__doc__ or ""), table(["Field"], rows)]
    return page("Evidence", "`loyalty/wire/evidence.py`", parts)


def _fields(shape: Any) -> list[str]:
    return [name for name in get_type_hints(shape) if name not in ("version", "late")]
