"""Each test breaks the real programme in one place, as a person would with an editor."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ops.errors import Refusal
from ops.program.documents import FOLDER
from ops.program.publish import check


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the programme to break."""
    return Path(shutil.copytree(FOLDER, tmp_path / "program"))


def change(file: Path, old: str, new: str, nth: int = 1) -> int:
    """Replaces the nth occurrence, and says in which line it stood."""
    text = file.read_text()
    at = -1
    for _ in range(nth):
        at = text.index(old, at + 1)
    file.write_text(text[:at] + new + text[at + len(old) :])
    return text.count("\n", 0, at) + 1


def refusal(folder: Path) -> str:
    with pytest.raises(Refusal) as refused:
        check(folder)
    return refused.value.message


def test_the_programme_of_the_catalogue_is_sound_and_what_a_retailer_has() -> None:
    versions = check(FOLDER)
    names = {version.document.document for version in versions}
    bodies = {version.document.document: version.document.body.model_dump() for version in versions}
    assert {"earning", "tiers", "redemption", "fraud"} <= names
    assert len(bodies["earning"]["currencies"]) == 2
    assert len(bodies["earning"]["category_bp"]) >= 5
    assert len(bodies["tiers"]["levels"]) == 4
    assert bodies["fraud"]["velocity"]
    assert sum(name.startswith("reward/") for name in names) == 6
    assert any(name.startswith("partner/") for name in names)
    assert any(name.startswith("campaign/") for name in names)
    assert any(version.document.version == 2 for version in versions)


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        (
            "tiers.yaml",
            "threshold: 10000",
            "threshold: 3000",
            "The field body.levels should have ascending thresholds.",
        ),
        (
            "tiers.yaml",
            "threshold: 0",
            "threshold: 1",
            "The field body.levels should begin with a level of threshold 0.",
        ),
        ("tiers.yaml", "tier: gold", "tier: silver", "The field body.levels should name each tier once."),
        (
            "tiers.yaml",
            "earn_bp: 11000",
            "earn_bp: -11000",
            "The field body.levels[1].earn_bp should be greater than or equal to 0, not -11000.",
        ),
        (
            "earning.yaml",
            "grocery: 10000",
            "grocery: -1",
            "The field body.category_bp.grocery should be greater than or equal to 0, not -1.",
        ),
        (
            "earning.yaml",
            "points: 12,",
            "points: -12,",
            "The field body.currencies.GBP.points should be greater than or equal to 0, not -12.",
        ),
        ("earning.yaml", "EUR:", "euro:", "The field body.currencies.euro should be like ^[A-Z]{3}$, not 'euro'."),
        (
            "earning.yaml",
            "grocery: 10000",
            "grocery: 1.5",
            "The field body.category_bp.grocery should be a valid integer, not 1.5.",
        ),
        ("earning.yaml", "refund_days", "return_days", "The field body.refund_days is missing."),
        ("earning.yaml", "refund_days", "return_days", "The field body.return_days is not known."),
        (
            "earning.yaml",
            "expiry_days: 365",
            "expiry_days: 14",
            "Points would expire before they can be spent: expiry_days (14) should be more than pending_days (14).",
        ),
        ("earning.yaml", "expiry_days: 365", "", "The field body.expiry_days is missing; write null to switch it off."),
        (
            "earning.yaml",
            "expiry_days: 365",
            "expiry_days: 36526",
            "The field expiry_days should be at most 36525 (100 years).",
        ),
        ("earning.yaml", "household", "grocery", "The key grocery is named twice."),
        ("earning.yaml", "document: earning", "document: earnings", "The value should name a document"),
        ("earning.yaml", "document: earning", "", "The document has no name: `document:` is missing."),
        (
            "earning.yaml",
            "2025-01-01T00:00:00.000Z",
            "2025-01-01",
            "The field effective_from should be a UTC time like 2026-11-23T10:15:00.000Z, not '2025-01-01'.",
        ),
        ("earning.yaml", "version: 1", "version: 0", "The field version should be greater than or equal to 1, not 0."),
        ("earning.yaml", "version: 2", "owner: finance", "The field owner is not known."),
        (
            "earning.yaml",
            "effective_from: 2026-06-01T00:00:00.000Z",
            "effective_from: 2024-12-31T23:59:59.999Z",
            (
                "Versions overlap: earning@2 takes effect at 2024-12-31T23:59:59.999Z, before earning@1 at "
                "2025-01-01T00:00:00.000Z."
            ),
        ),
        ("earning.yaml", "version: 2", "version: 1", "earning@1 is there twice: also at "),
        ("redemption.yaml", "debt", "forget", "The field body.negative_balance should be 'debt' or 'floor'"),
        ("redemption.yaml", "hold_minutes: 30", "hold_minutes: soon", "The field body.hold_minutes should be a valid"),
        ("fraud.yaml", "name: day", "name: burst", "The velocity rule burst is there twice."),
        (
            "fraud.yaml",
            "review_score: 50",
            "review_score: 81",
            "Nothing would be reviewed: review_score (81) should not be more than deny_score (80).",
        ),
        (
            "fraud.yaml",
            "no_engagement_outcome: review",
            "no_engagement_outcome: null",
            "The field body should have a no_engagement_outcome beside its minutes.",
        ),
        (
            "rewards.yaml",
            "points: 1500",
            "points: 999",
            "Nobody could redeem reward/free-delivery@1: its 999 points are below min_points (1000).",
        ),
        ("rewards.yaml", "document: reward/espresso", "document: reward/free-delivery", "is there twice: also at "),
        ("rewards.yaml", "reward/espresso", "reward/espresso@home", "should have no @"),
        ("rewards.yaml", "points: 1500", "points: &p 1500", "Anchors and aliases are not used here: write it out."),
        ("campaigns.yaml", "tiers: [gold, platinum]", "tiers: [golden]", "There is no tier golden."),
        (
            "campaigns.yaml",
            "active_to: 2026-06-21",
            "active_to: 2026-05-20",
            "A campaign should end after it begins.",
        ),
        (
            "campaigns.yaml",
            "budget_points: 5000000",
            "budget_points: 499",
            (
                "No offer could be made: budget_points (499) should be at least one bonus, the 500 bonus_points of the "
                "offer."
            ),
        ),
        (
            "campaigns.yaml",
            "cap: {max_per_member: 2, window_days: 30}",
            "cap: {max_per_member: 0, window_days: 30}",
            "No member could have an offer: max_per_member should be at least 1.",
        ),
        (
            "campaigns.yaml",
            "min_amount: 3000, valid_days: 7}",
            "min_amount: 3000, valid_days: 0}",
            "No purchase could take up the offer: valid_days should be at least 1.",
        ),
        (
            "campaigns.yaml",
            "valid_days: 7}",
            "valid_days: 7, currency: JPY}",
            "No purchase could take up the offer: no version of earning has a rate for JPY.",
        ),
        (
            "campaigns.yaml",
            "effective_from: 2026-05-01T00:00:00.000Z",
            "effective_from: 2026-06-21T00:00:00.000Z",
            (
                "campaign/early-summer@1 would never be in force while it is active: it takes effect at "
                "2026-06-21T00:00:00.000Z, and its active_to is 2026-06-21T00:00:00.000Z."
            ),
        ),
        (
            "campaigns.yaml",
            "triggers: [app_session, store_visit]",
            f"triggers: [{', '.join(['click'] * 1001)}]",
            "The field body.triggers should have at most 1000 entries.",
        ),
        (
            "campaigns.yaml",
            "early-summer-500",
            "x" * 129,
            "The field body.offer.offer_id should have at most 128 characters.",
        ),
        (
            "fraud.yaml",
            "deny_score: 80",
            "deny_score: 101",
            "No signal would deny: deny_score (101) should be at most 100, the highest score of a signal.",
        ),
        ("campaigns.yaml", "triggers: [app_session, store_visit]", "triggers: []", "A campaign should have a trigger."),
        ("partners.yaml", "active: true", "active: yes", "The field body.active should be a valid boolean, not 'yes'."),
    ],
)
def test_a_bad_document_is_refused_with_file_line_and_reason(
    folder: Path, file: str, old: str, new: str, reason: str
) -> None:
    line = change(folder / file, old, new)
    message = refusal(folder)
    found = [text for text in message.splitlines() if reason in text]
    assert len(found) == 1, message
    place = found[0].removeprefix(f"{folder / file}:").split(":")[0]
    if "is missing" in reason or "twice" in reason or "should have a no_" in reason:
        # What is not there has no line of its own; of two that clash the later one is named.
        assert 1 <= int(place) <= len((folder / file).read_text().splitlines())
    else:
        assert int(place) == line, message


def test_versions_that_name_other_tiers_are_refused(folder: Path) -> None:
    line = change(folder / "tiers.yaml", "tier: gold", "tier: golden", nth=2)
    message = refusal(folder)
    assert "Every version of tiers should name the same tiers: tiers@1 has member, silver, gold, platinum" in message
    assert f"{folder / 'tiers.yaml'}:{line - 3}: " in message


def test_versions_that_name_their_tiers_in_another_order_are_refused(folder: Path) -> None:
    change(folder / "tiers.yaml", "tier: gold", "tier: swapped", nth=2)
    change(folder / "tiers.yaml", "tier: platinum", "tier: gold", nth=2)
    line = change(folder / "tiers.yaml", "tier: swapped", "tier: platinum")
    assert (
        f"{folder / 'tiers.yaml'}:{line - 3}: Every version of tiers should name its tiers in the same order: "
        "tiers@1 has member, silver, gold, platinum, tiers@2 has member, silver, platinum, gold."
    ) in refusal(folder)


FURTHER = """
  - version: 2
    effective_from: {effective_from}
    body:
      active_from: 2026-05-20T00:00:00.000Z
      active_to: {active_to}
      triggers: [app_session]
      tiers: []
      offer: {{offer_id: early-summer-500, bonus_points: 500, min_amount: 3000, valid_days: 7, currency: EUR}}
      cap: {{max_per_member: 2, window_days: 30}}
      budget_points: 5000000
      priority: 10
---
"""


def with_further_version(folder: Path, effective_from: str, active_to: str) -> None:
    version = FURTHER.format(effective_from=effective_from, active_to=active_to)
    change(folder / "campaigns.yaml", "\n---\n", version)


def test_a_version_may_end_a_campaign_early(folder: Path) -> None:
    with_further_version(folder, "2026-06-10T00:00:00.000Z", "2026-06-01T00:00:00.000Z")
    check(folder)


def test_a_version_that_comes_when_the_campaign_is_over_is_refused(folder: Path) -> None:
    with_further_version(folder, "2026-06-30T00:00:00.000Z", "2026-06-22T00:00:00.000Z")
    assert "campaign/early-summer@2 would never be in force while it is active" in refusal(folder)


@pytest.mark.parametrize("name", ["earning", "tiers", "redemption", "fraud"])
def test_a_programme_without_one_of_the_four_is_refused(folder: Path, name: str) -> None:
    (folder / f"{name}.yaml").unlink()
    if name == "tiers":
        (folder / "campaigns.yaml").unlink()  # it names a tier
    assert f"There is no document {name}; without it no transaction can be decided." in refusal(folder)


def test_every_reason_is_given_at_once(folder: Path) -> None:
    change(folder / "earning.yaml", "grocery: 10000", "grocery: -1")
    change(folder / "fraud.yaml", "deny_score: 80", "deny_score: high")
    (folder / "rewards.yaml").write_text("document: [")
    assert len(refusal(folder).splitlines()) == 3


def test_a_version_may_replace_another_before_that_took_effect(folder: Path) -> None:
    change(folder / "earning.yaml", "2026-06-01T00:00:00.000Z", "2025-01-01T00:00:00.000Z")
    check(folder)


@pytest.mark.parametrize("text", [b"\xff\xfe", b"- just\n- a list\n", b"document: earning\n", b"a: !!python/none x\n"])
def test_a_file_of_another_kind_is_refused(folder: Path, text: bytes) -> None:
    (folder / "more.yaml").write_bytes(text)
    assert f"{folder / 'more.yaml'}:1: " in refusal(folder)


def test_a_folder_without_documents_is_refused(tmp_path: Path) -> None:
    assert "There are no .yaml files here." in refusal(tmp_path)
    assert "There is no folder" in refusal(tmp_path / "nowhere")


def test_files_may_lie_in_folders_and_empty_ones_say_nothing(folder: Path) -> None:
    (folder / "rewards").mkdir()
    (folder / "rewards.yaml").rename(folder / "rewards" / "all.yml")
    (folder / "empty.yaml").write_text("# later\n")
    assert len(check(folder)) == len(check(FOLDER))
