"""What a reason says aloud: singular and plural, spans and moments as people say them."""

from __future__ import annotations

import pytest

from loyalty.rules import request_sentences, sentences
from loyalty.rules.words import moment, span
from loyalty.times import DAY_MS, HOUR_MS, MINUTE_MS, parse_time

AT = parse_time("2026-01-20T10:00:00.000Z")


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (0, "less than a second"),
        (1_000, "1 second"),
        (90 * MINUTE_MS, "1 hour 30 minutes"),
        (4_320 * MINUTE_MS, "3 days"),
        (DAY_MS + 2 * HOUR_MS, "1 day 2 hours"),
    ],
)
def test_a_span_is_written_as_people_say_it(ms: int, said: str) -> None:
    assert span(ms) == said


def test_a_moment_is_written_as_people_say_it() -> None:
    assert moment(AT) == "20 January 2026, 10:00 UTC"
    assert moment(parse_time("2026-12-01T23:59:59.999Z")) == "1 December 2026, 23:59 UTC"


def test_numbers_have_separators_and_one_is_singular() -> None:
    sentences_said = [
        (sentences.purchase("o", 1), "Order o earned 1 point."),
        (sentences.purchase("o", 3_112), "Order o earned 3,112 points."),
        (
            sentences.return_window_ended(2, 1),
            "The return window ended, so 2 points can be used now. Of these, 1 point paid what the account owed.",
        ),
        (sentences.order_reversed("o", "refund", 1), "Order o was refunded, so 1 point that it earned was taken back."),
        (
            sentences.order_reversed("o", "cancellation", 2),
            "Order o was cancelled, so 2 points that it earned were taken back.",
        ),
        (sentences.taken(0, 0, 0), ""),
        (sentences.taken(1, 0, 0), " Of these, 1 point had expired already, so nothing was taken for them."),
        (sentences.taken(0, 1, 0), " The account did not have enough and owes 1 point more now."),
        (sentences.taken(0, 0, 1), " The account did not have enough, and 1 point was written off."),
        (sentences.credited(1, "thanks"), "1 point was added: thanks."),
        (sentences.debited(2, "booked twice!"), "2 points were taken: booked twice!"),
        (sentences.lot_expired(1), "1 point was not used in time and expired."),
        (sentences.tier_reached(1, "silver", 1), "With 1 qualifying point the account reaches silver, which needs 1."),
        (request_sentences.insufficient_points(1, 2), "2 points are needed, and 1 point is available."),
        (request_sentences.insufficient_points(0, 1), "1 point is needed, and 0 points are available."),
        (request_sentences.approved(1, 1), "1 point is available; 1 point is held for the reward."),
        (request_sentences.approved(2, 3), "3 points are available; 2 points are held for the reward."),
        (request_sentences.reward_price(1, 2), "The reward costs 1 point, and 2 points were offered."),
        (request_sentences.below_minimum(1, 500), "A redemption takes at least 500 points, and 1 point was asked for."),
        (
            request_sentences.not_engaged(AT, 3 * DAY_MS),
            "The account was last active on 20 January 2026, 10:00 UTC, more than 3 days before the request.",
        ),
        (
            request_sentences.velocity(6, 10 * MINUTE_MS, 5),
            "This is request number 6 within 10 minutes, and 5 may be made.",
        ),
        (sentences.committed(1, 0), "1 point that was held was spent."),
        (
            sentences.committed(2, 1),
            "2 points that were held were spent. With them 1 point that the account owed was written off.",
        ),
        (sentences.cap_reached(1, 1, 1), "The member has had 1 offer of this campaign within 1 day, and 1 is allowed."),
        (
            sentences.cap_reached(2, 30, 2),
            "The member has had 2 offers of this campaign within 30 days, and 2 are allowed.",
        ),
        (
            sentences.grace_started("window_slid", 1, "gold", 2, 1),
            (
                "Older purchases no longer count. With 1 qualifying point the account has fewer "
                "than the 2 that gold needs. The tier is kept for 1 day."
            ),
        ),
    ]
    for said, expected in sentences_said:
        assert said == expected
