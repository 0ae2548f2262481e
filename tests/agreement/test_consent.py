"""Consent, at any scale: no offer at an event time at which consent was withdrawn or never given.

`LOYALTY_ENGAGEMENTS` says how many engagements are generated (50 000 where it does not).
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator

from loyalty.offers.in_memory_run import InMemoryOffersRun
from loyalty.records import Record
from loyalty.wire import engagements, members, program
from ops.generate.send import traffic_records
from ops.generate.settings import Traffic
from ops.program.documents import FOLDER
from ops.program.publish import check

ENGAGEMENTS = int(os.environ.get("LOYALTY_ENGAGEMENTS", "50000"))
TRAFFIC = Traffic(seed=3, events=200, accounts=max(200, ENGAGEMENTS // 40), engagements=ENGAGEMENTS)


def _records() -> Iterator[Record]:
    at = TRAFFIC.end_ms
    for offset, version in enumerate(check(FOLDER)):
        document = version.document.model_dump(mode="json")
        if version.key.startswith("campaign/"):
            document["body"]["budget_points"] = 2**53 - 1  # consent is to be what stops offers, not the budget
        yield Record(program.TOPIC, 0, offset, at, version.key.encode(), json.dumps(document).encode())
    for offset, made in enumerate(traffic_records(TRAFFIC)):
        if made.topic in (members.TOPIC, engagements.TOPIC):
            yield Record(made.topic, 0, offset, at, made.key, made.value)


def test_no_offer_is_made_without_consent_at_its_event_time() -> None:
    # Read off the records by itself: by member, (since when, agreed to offers), the times as text, which sorts as they
    # do.
    consents: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    loop = InMemoryOffersRun()
    made = suppressed = read = 0
    without: list[str] = []
    for record in _records():
        if record.topic == members.TOPIC:
            fact = json.loads(record.value or b"")
            if fact["type"] == "member.consent":
                consents[fact["member_id"]].append((fact["occurred_at"], fact["offers"]))
        read += record.topic == engagements.TOPIC
        for decision in loop.read(record):
            if decision["outcome"] != "made":
                suppressed += decision["reasons"][0]["code"] == "no_consent"
                continue
            made += 1
            given = [one for one in consents[decision["member_id"]] if one[0] <= decision["occurred_at"]]
            if not given or not max(given)[1]:
                without.append(decision["decision_id"])
        loop.outcome.decisions.clear()
    print(f"{read:,} engagements, {made:,} offers made, {suppressed:,} suppressed for want of consent")
    assert without == []
    assert read == ENGAGEMENTS
    assert made > ENGAGEMENTS // 100
    assert suppressed > ENGAGEMENTS // 100
