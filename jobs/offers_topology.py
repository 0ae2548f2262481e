"""How the operators of the offers job are joined. `docs/explanation/offers.md` says why they are."""

from __future__ import annotations

from functools import partial

from pyflink.common import Types
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.config import OffersConfig
from jobs.offers_domain import EngagementValidator, Maker, Matcher
from jobs.operators.check_engagements import DOCUMENTS, FOR_ACCOUNTS, PAST_OFFERS, SIDES, CheckEngagements
from jobs.operators.check_records import REFUSED
from jobs.operators.decide_for_account import OUTPUTS, PROGRAMME_STATE
from jobs.operators.make_offers import TO_MAKER, MakeOffers
from jobs.operators.match_campaigns import MatchCampaigns
from jobs.profiles import KNOBS
from jobs.runtime import tables
from jobs.runtime.names import ACCOUNT_PAGES, INTAKE_PAGES, OFFER_PAGES, OFFERS_NAMES
from jobs.runtime.python_operators import PythonOperator, process, process_with_broadcast
from jobs.runtime.start_offsets import ANSWER_A_JOB_WITHIN_S, last_readable
from jobs.runtime.streams import key_by_first_field, records, side_output, write
from jobs.runtime.uids import name_operators
from jobs.topics import OFFERS_INPUTS, OFFERS_REFERENCE

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())


def build(
    environment: StreamExecutionEnvironment,
    config: OffersConfig,
    intake: EngagementValidator,
    matcher: Matcher,
    maker: Maker,
) -> None:
    """Adds the whole job to `environment`, from the input topics to the output topics; executing it is up to the
    caller.

    `intake`, `matcher` and `maker` are pickled into the job, so the modules of their classes must be there where it
    runs.
    """
    table_environment = StreamTableEnvironment.create(environment)
    # An offer is published outside any transaction, and has to be seen behind one that is still open.
    tables.create_tables(table_environment, config, OFFERS_INPUTS, committed_only=False)
    last_at_start = partial(
        last_readable, config.bootstrap, OFFERS_REFERENCE, committed_only=False, within_s=ANSWER_A_JOB_WITHIN_S
    )
    apart = KNOBS[config.profile].apart
    checking = CheckEngagements(intake, last_at_start)
    checked = process(
        records(table_environment),
        PythonOperator(checking, INTAKE_PAGES, FOR_ACCOUNTS, SIDES, apart=apart),
    )
    matched = process_with_broadcast(
        key_by_first_field(checked, Types.STRING(), _BYTES),
        side_output(checked, DOCUMENTS),
        PROGRAMME_STATE,
        PythonOperator(MatchCampaigns(matcher), ACCOUNT_PAGES, TO_MAKER, read_first=matcher.reads_first, apart=apart),
        config.parallelism,
    )
    to_decide = matched.union(side_output(checked, PAST_OFFERS))
    decided = process(
        key_by_first_field(to_decide, Types.INT(), _BYTES),
        PythonOperator(MakeOffers(maker), OFFER_PAGES, OUTPUTS, apart=apart),
    )
    write(table_environment, decided, side_output(checked, REFUSED))
    name_operators(environment, OFFERS_NAMES)
