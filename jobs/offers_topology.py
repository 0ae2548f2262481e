"""How the operators of the offers job are joined. `docs/explanation/offers.md` says why they are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from pyflink.common import Types
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.config import OffersConfig
from jobs.operators.check_engagements import (
    DOCUMENTS,
    FOR_ACCOUNTS,
    PAST_OFFERS,
    SIDES,
    CheckEngagements,
    EngagementValidator,
)
from jobs.operators.check_records import REFUSED
from jobs.operators.document_barrier import PROGRAMME_STATE
from jobs.operators.make_offers import TO_MAKER, MakeOffers, Maker
from jobs.operators.match_campaigns import MatchCampaigns, Matcher
from jobs.profiles import KNOBS
from jobs.runtime import tables
from jobs.runtime.names import ACCOUNT_ENTRIES, INTAKE_ENTRIES, OFFER_ENTRIES, OFFERS_NAMES
from jobs.runtime.python_operators import PythonOperator, process, process_with_broadcast
from jobs.runtime.start_offsets import ANSWER_A_JOB_WITHIN_S, last_readable
from jobs.runtime.streams import key_by_first_field, records, side_output, write
from jobs.runtime.uids import name_operators
from jobs.topics import OFFERS_INPUTS, OFFERS_REFERENCE

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())


class OffersDomain(NamedTuple):
    """What the job asks of the domain. It is pickled into the job, so the modules of its classes must be there where it
    runs."""

    validator: EngagementValidator
    matcher: Matcher
    maker: Maker
    read_first: Sequence[str]
    """The state entries that the matcher is sure to ask for, so that they may come together with the record."""


def build(environment: StreamExecutionEnvironment, config: OffersConfig, domain: OffersDomain) -> None:
    """Adds the whole job to `environment`, from the input topics to the output topics; executing it is up to the
    caller."""
    table_environment = StreamTableEnvironment.create(environment)
    # An offer is published outside any transaction, and has to be seen behind one that is still open.
    tables.create_tables(table_environment, config, OFFERS_INPUTS, committed_only=False)
    start_offsets = partial(
        last_readable, config.bootstrap, OFFERS_REFERENCE, committed_only=False, within_s=ANSWER_A_JOB_WITHIN_S
    )
    in_subprocess = KNOBS[config.profile].subprocesses
    checking = CheckEngagements(domain.validator, start_offsets)
    checked = process(
        records(table_environment),
        PythonOperator(checking, INTAKE_ENTRIES, FOR_ACCOUNTS, SIDES, in_subprocess=in_subprocess),
    )
    matching = PythonOperator(
        MatchCampaigns(domain.matcher),
        ACCOUNT_ENTRIES,
        TO_MAKER,
        read_first=domain.read_first,
        in_subprocess=in_subprocess,
    )
    keyed = key_by_first_field(checked, Types.STRING(), _BYTES)
    matched = process_with_broadcast(
        keyed, side_output(checked, DOCUMENTS), PROGRAMME_STATE, matching, config.parallelism
    )
    to_decide = matched.union(side_output(checked, PAST_OFFERS))
    decided = process(
        key_by_first_field(to_decide, Types.INT(), _BYTES),
        PythonOperator(MakeOffers(domain.maker), OFFER_ENTRIES, tables.DECIDED_ROW, in_subprocess=in_subprocess),
    )
    write(table_environment, decided, side_output(checked, REFUSED))
    name_operators(environment, OFFERS_NAMES)
