"""Records of three days in three accounts for every model, as parts between which a job is stopped.

A part begins with what its job has to know the earlier ones for: decisions that are sent again, an event of a day that
is over, then only the new day's.
"""

from __future__ import annotations

from typing import Any

from ops.sql.fixtures import Row

ACCOUNTS = ("a", "b", "c")
HOURS = (1, 5, 9, 13, 17, 21)
MONTH = "2026-05"

Record = tuple[str, Row]
"""A table and a record of it."""


class Traffic:
    """Makes part after part, each of one day."""

    def __init__(self) -> None:
        self._sequences: dict[tuple[str, str], int] = {}
        self._last: list[Record] = []

    def part(self, day: int) -> list[Record]:
        """The records of a day in May, from 1, in the order in which they are handed in."""
        before, again = self._last, self._again(day) if day > 1 else []
        made: list[Record] = []
        for hour in HOURS:
            for account in ACCOUNTS:
                made += self._hour(account, day, hour)
        self._last = [each for each in made if each[0] == "decisions"][-20:]
        first = f"{MONTH}-{day:02}T00:00:01.000Z"
        return [(table, {**row, "record_time": first}) for table, row in [*before, *again]] + made

    def _again(self, day: int) -> list[Record]:
        """Of days that are over."""
        late = f"{MONTH}-01T05:00:00.000Z"
        return [
            ("decisions", self._decision("a", late, "points.expired", points=-3)),
            ("decisions", self._decision("b", f"{MONTH}-{day - 1:02}T23:00:00.000Z", "points.adjusted", points=7)),
            ("transactions", self._purchase("a", f"late-{day}", late)),
            ("engagements", self._engagement("a", f"late-{day}", late)),
        ]

    def _hour(self, account: str, day: int, hour: int) -> list[Record]:
        at = f"{MONTH}-{day:02}T{hour:02}:00"
        name = f"{day}-{hour}"
        order = f"o-{account}-{name}"
        evidence = {
            "order_id": order,
            "currency": "EUR",
            "tier": "member" if day == 1 else "silver",
            "partner_id": "fuel",
            "partner_share": 10,
            "line_points": [100],
            "lines": [{"line_id": "1", "quantity": 2, "amount": 1000}],
        }
        offer = self._decision(
            account, f"{at}:01.000Z", "offer.decided", "offers", outcome="made", rules={"campaign/spring": 1}
        )
        found: list[Record] = [
            ("engagements", self._engagement(account, name, f"{at}:00.000Z")),
            ("decisions", offer),
            ("transactions", self._purchase(account, name, f"{at}:02.000Z")),
            (
                "decisions",
                self._decision(
                    account,
                    f"{at}:02.000Z",
                    "points.earned",
                    points=100 + hour,
                    reasons=[{"code": "purchase"}],
                    cause={"event_id": f"{account}-{name}"},
                    subject={"order_id": order},
                    evidence=evidence,
                ),
            ),
            (
                "decisions",
                self._decision(
                    account,
                    f"{at}:03.000Z",
                    "points.earned",
                    points=50,
                    reasons=[{"code": "offer_bonus"}],
                    evidence={"offer": {"decision_id": offer["decision_id"]}, "amount": 1000, "currency": "EUR"},
                ),
            ),
        ]
        for second in range(10, 14):
            asked = self._decision(
                account,
                f"{at}:{second}.000Z",
                "redemption.decided",
                outcome="approved",
                reasons=[{"code": "approved"}],
                subject={"redemption_id": f"r-{account}-{name}-{second}"},
            )
            found += [("decisions", asked), ("decisions", asked)]
        settled = self._decision(account, f"{at}:20.000Z", "redemption.settled", points=-40)
        changed = self._decision(
            account,
            f"{at}:30.000Z",
            "tier.changed",
            outcome="silver",
            reasons=[{"code": "threshold_reached"}],
            evidence={"tier_before": "member"},
        )
        reversed_ = self._decision(
            account,
            f"{at}:40.000Z",
            "points.reversed",
            points=-(50 + hour),
            reasons=[{"code": "refund"}],
            subject={"order_id": order},
            evidence={"order_id": order, "how": "refund", "lost": 50, "lines": [{"line_id": "1", "quantity": 1}]},
        )
        return [*found, ("decisions", settled), ("decisions", changed), ("decisions", reversed_)]

    def _decision(self, account: str, at: str, what: str, stream: str = "ledger", **fields: Any) -> Row:
        number = self._sequences[account, stream] = self._sequences.get((account, stream), 0) + 1
        tier = "silver" if what == "tier.changed" else "member"
        return {
            "decision_id": f"{stream}-{account}-{number}",
            "stream": stream,
            "sequence": number,
            "type": what,
            "outcome": "posted",
            "account_id": account,
            "member_id": f"m-{account}",
            "occurred_at": at,
            "points": 0,
            "balance": {"pending": 0, "available": 0, "held": 0, "debt": 0, "qualifying": 0, "tier": tier},
            **fields,
        }

    def _purchase(self, account: str, name: str, at: str) -> Row:
        return {
            "event_id": f"{account}-{name}",
            "type": "purchase",
            "account_id": account,
            "member_id": f"m-{account}",
            "order_id": f"o-{account}-{name}",
            "currency": "EUR",
            "channel": "store",
            "occurred_at": at,
            "lines": [{"line_id": "1", "quantity": 2, "amount": 1000}],
        }

    def _engagement(self, account: str, name: str, at: str) -> Row:
        return {
            "event_id": f"g-{account}-{name}",
            "type": "click",
            "account_id": account,
            "member_id": f"m-{account}",
            "channel": "app",
            "device_id": f"d-{name}",
            "occurred_at": at,
        }
