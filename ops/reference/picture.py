"""`loop.svg`: the two jobs, their operators and topics, and the SQL models beside them, drawn from their own names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from jobs.runtime import names
from loyalty.wire import context, decisions, engagements, fraud, members, program, transactions
from ops.proof.anchors import TOPIC as ANCHORS
from ops.topics.catalogue import read_catalogue

WIDTH, HEIGHT = 1250, 760
FONT = 'font-family="system-ui, Segoe UI, Helvetica, Arial, sans-serif"'
INK, QUIET = "#1f2933", "#52606d"
DECIDING, OFFERING, COMPUTING = "#1d5fa8", "#1b7a4b", "#8a4b08"
"""The colours of the three jobs: frame, operators, and what they read and write."""

Point = tuple[int, int]


class Box(NamedTuple):
    """A topic or an operator: what it is called and, below, what it does."""

    x: int
    y: int
    width: int
    height: int
    name: str
    below: Sequence[str] = ()
    colour: str = QUIET
    topic: bool = False

    @property
    def left(self) -> Point:
        return self.x, self.y + self.height // 2

    @property
    def right(self) -> Point:
        return self.x + self.width, self.y + self.height // 2

    @property
    def top(self) -> Point:
        return self.x + self.width // 2, self.y

    @property
    def bottom(self) -> Point:
        return self.x + self.width // 2, self.y + self.height


def _input(y: int, topic: str, said: str) -> Box:
    return Box(30, y, 240, 44, topic, [said], topic=True)


TRANSACTIONS = _input(90, transactions.TOPIC, "purchases, refunds, redemptions")
MEMBERS = _input(150, members.TOPIC, "profiles, consents")
SIGNALS = _input(210, fraud.TOPIC, "what the fraud team has seen")
CONTEXT = _input(270, context.TOPIC, "last engagement, devices")
PROGRAM = _input(362, program.TOPIC, "rules, campaigns, in versions")
ENGAGEMENTS = _input(470, engagements.TOPIC, "clicks, sessions, visits")

CHECK_RECORDS = Box(
    390,
    120,
    190,
    130,
    names.CHECK_RECORDS,
    ["×1", "parse and validate once,", "exact watermark,", "start barrier"],
    DECIDING,
)
DECIDE = Box(
    710,
    120,
    190,
    130,
    names.DECIDE_FOR_ACCOUNT,
    ["×N, by account", "the rules, in pure Python:", "decisions, evidence,", "seal"],
    DECIDING,
)
CHECK_ENGAGEMENTS = Box(380, 440, 174, 100, names.CHECK_ENGAGEMENTS, ["×1", "check once,", "start barrier"], OFFERING)
MATCH = Box(574, 440, 152, 100, names.MATCH_CAMPAIGNS, ["×N, by account", "triggers, dates,", "tiers"], OFFERING)
MAKE = Box(746, 440, 154, 100, names.MAKE_OFFERS, ["×1", "consent, cap,", "budget"], OFFERING)
MODELS = Box(
    390,
    676,
    510,
    54,
    names.SQL_JOB,
    ["SQL models: liability, tier movements, redemption rates, results, context"],
    COMPUTING,
)

DECISIONS = Box(1000, 150, 220, 60, decisions.TOPIC, ["ledger and offers, numbered"], topic=True)
DEAD_LETTERS = Box(1000, 300, 180, 60, decisions.DEAD_LETTER_TOPIC, ["what was refused, why"], topic=True)


def svg() -> str:
    """The picture, as SVG text."""
    boxes = [part for box in _boxes() for part in _box(box)]
    return "\n".join([*_head(), *_frames(), *_arrows(), *boxes, "</svg>"]) + "\n"


def _boxes() -> list[Box]:
    contract = [TRANSACTIONS, MEMBERS, SIGNALS, CONTEXT, PROGRAM, ENGAGEMENTS, DECISIONS, DEAD_LETTERS]
    known = {box.name for box in contract}
    made = [topic.name for topic in read_catalogue() if topic.name not in known and topic.name != ANCHORS]
    results = Box(
        1000, 676, 220, 54, f"{len(made)} topics of results", ["loyalty.points-liability-daily, …"], topic=True
    )
    return [*contract, CHECK_RECORDS, DECIDE, CHECK_ENGAGEMENTS, MATCH, MAKE, MODELS, results]


def _head() -> list[str]:
    markers = "".join(
        f'<marker id="{_id(colour)}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        f'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="{colour}"/></marker>'
        for colour in (DECIDING, OFFERING, COMPUTING)
    )
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT} role="img">',
        "<title>The decision loop: topics, jobs and their operators</title>",
        f"<defs>{markers}</defs>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]


def _frames() -> Iterator[str]:
    for x, y, width, height, name, colour in (
        (365, 84, 560, 190, f"decision job, {names.JOB}", DECIDING),
        (365, 404, 560, 186, f"offers job, {names.OFFERS_JOB}", OFFERING),
    ):
        yield (
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="10" fill="{colour}" fill-opacity="0.05" '
            f'stroke="{colour}" stroke-dasharray="5 4"/>'
        )
        yield _text(x + width - 14, y + 22, name, colour, anchor="end", size=14, bold=True)


def _arrows() -> Iterator[str]:
    # Each job has a line of its own, on which what it reads comes together.
    for colour, at, readers, intake in (
        (DECIDING, 310, [TRANSACTIONS, MEMBERS, SIGNALS, CONTEXT, PROGRAM], CHECK_RECORDS),
        (OFFERING, 335, [MEMBERS, PROGRAM, ENGAGEMENTS], CHECK_ENGAGEMENTS),
    ):
        shift = 6 if colour == OFFERING else -6
        heights = [topic.right[1] + shift for topic in readers]
        entry = intake.left[1]
        for topic, height in zip(readers, heights, strict=True):
            yield _line([(topic.right[0], height), (at, height)], colour)
        yield _line([(at, min(*heights, entry)), (at, max(*heights, entry))], colour)
        yield _line([(at, entry), intake.left], colour, arrow=True)
    yield _line([(580, 160), (710, 160)], DECIDING, arrow=True)
    yield _text(645, 152, "account records", DECIDING, size=11)
    yield _line([(580, 215), (710, 215)], DECIDING, arrow=True)
    yield _text(645, 207, "programme,", DECIDING, size=11)
    yield _text(645, 231, "broadcast", DECIDING, size=11)
    yield _line([CHECK_ENGAGEMENTS.right, MATCH.left], OFFERING, arrow=True)
    yield _line([MATCH.right, MAKE.left], OFFERING, arrow=True)
    yield _line([(520, 540), (520, 576), (822, 576), (822, 540)], OFFERING, arrow=True)
    yield _text(670, 569, "consents, published offers", OFFERING, size=11)
    # Out.
    yield _line([(900, 175), (1000, 175)], DECIDING, arrow=True)
    yield _line([(900, 225), (950, 225), (950, 322), (1000, 322)], DECIDING, arrow=True)
    yield _line([(485, 250), (485, 322), (950, 322)], DECIDING)
    yield _line([(900, 490), (970, 490), (970, 192), (1000, 192)], OFFERING, arrow=True)
    yield _line([(470, 440), (470, 340), (1000, 340)], OFFERING, arrow=True)
    yield _line([(970, 490), (1060, 490), (1060, 360)], OFFERING, arrow=True)
    # Back.
    yield _line([(1110, 150), (1110, 44), (485, 44), (485, 120)], DECIDING, arrow=True)
    yield _text(798, 37, "offers that were made, for purchases to take up", DECIDING, size=12)
    yield _line([(1215, 200), (1215, 630), (440, 630), (440, 540)], OFFERING, arrow=True)
    yield _text(798, 623, "tiers, and after a crash the offers that were published", OFFERING, size=12)
    # The SQL models.
    yield _line([(150, 514), (150, 692), (390, 692)], COMPUTING, arrow=True)
    yield _line([(390, 714), (14, 714), (14, 292), (30, 292)], COMPUTING, arrow=True)
    yield _line([(1198, 208), (1198, 652), (800, 652), (800, 676)], COMPUTING, arrow=True)
    yield _line([(900, 703), (1000, 703)], COMPUTING, arrow=True)


def _box(box: Box) -> Iterator[str]:
    colour = QUIET if box.topic else box.colour
    radius = box.height // 2 if box.topic else 6
    yield (
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="{radius}" fill="#ffffff" '
        f'stroke="{colour}" stroke-width="1.5"/>'
    )
    lines = [box.name, *box.below]
    first = box.y + box.height // 2 - 9 * (len(lines) - 1) + 5
    middle = box.x + box.width // 2
    yield _text(middle, first, box.name, INK, size=14, bold=True)
    for at, words in enumerate(box.below, start=1):
        yield _text(middle, first + 18 * at, words, QUIET)


def _line(points: Sequence[Point], colour: str, *, arrow: bool = False) -> str:
    path = "M" + "L".join(f"{x} {y}" for x, y in points)
    end = f' marker-end="url(#{_id(colour)})"' if arrow else ""
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.6"{end}/>'


def _text(
    x: int, y: int, words: str, colour: str, *, anchor: str = "middle", size: int = 12, bold: bool = False
) -> str:
    weight = ' font-weight="600"' if bold else ""
    place = f'x="{x}" y="{y}" text-anchor="{anchor}"'
    return f'<text {place} font-size="{size}" fill="{colour}"{weight}>{escape(words)}</text>'


def _id(colour: str) -> str:
    return f"end-{colour[1:]}"
