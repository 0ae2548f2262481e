"""Record keys (contract §1)."""

from __future__ import annotations

from typing import Any

from loyalty.wire.engagements import Engagement
from loyalty.wire.members import MemberConsent, MemberProfile
from loyalty.wire.program import ProgramDocument


def record_key(model: Any) -> str:
    """The key that a record of this model must have.

    Raises TypeError for a part of a record, and for a dead letter, whose key is the one it came with.
    """
    if isinstance(model, MemberProfile):
        return f"{model.member_id}:profile"
    if isinstance(model, MemberConsent):
        return f"{model.member_id}:consent"
    if isinstance(model, ProgramDocument):
        return f"{model.document}@{model.version}"
    if isinstance(model, Engagement):
        return model.member_id
    account_id = getattr(model, "account_id", None)
    if isinstance(account_id, str):
        return account_id
    raise TypeError(f"{type(model).__name__} has no record key")
