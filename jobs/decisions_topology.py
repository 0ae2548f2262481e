"""How the operators of the decision job are joined. `docs/explanation/architecture.md` says why they are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from pyflink.common import Types
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.config import DecisionsConfig
from jobs.operators.check_records import DOCUMENTS, FOR_ACCOUNTS, REFUSED, SIDES, CheckRecords, MakeValidator
from jobs.operators.decide_for_account import DecideForAccount, Decider
from jobs.operators.document_barrier import PROGRAMME_STATE
from jobs.profiles import KNOBS
from jobs.runtime import tables
from jobs.runtime.names import ACCOUNT_ENTRIES, DECISIONS_NAMES, INTAKE_ENTRIES
from jobs.runtime.python_operators import PythonOperator, process, process_with_broadcast
from jobs.runtime.start_offsets import ANSWER_A_JOB_WITHIN_S, last_made_offers, last_readable
from jobs.runtime.streams import key_by_first_field, records, side_output, take_off_timestamp, watermarked, write
from jobs.runtime.uids import name_operators
from jobs.topics import DECISIONS, INPUTS

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())


class DecisionsDomain(NamedTuple):
    """What the job asks of the domain. It is pickled into the job, so the modules of its classes must be there where it
    runs."""

    make_validator: MakeValidator
    decider: Decider
    read_first: Sequence[str]
    """The state entries that the decider is sure to ask for, so that they may come together with the record."""


def build(environment: StreamExecutionEnvironment, config: DecisionsConfig, domain: DecisionsDomain) -> None:
    """Adds the whole job to `environment`, from the input topics to the output topics; executing it is up to the
    caller."""
    table_environment = StreamTableEnvironment.create(environment)
    tables.create_tables(table_environment, config, INPUTS, wanted=tables.NO_DECISIONS_BUT_OFFERS)
    # Of the decisions only offers cross to Python, so the last record of all would be waited for in vain.
    topics = tuple(topic for topic in INPUTS if topic != DECISIONS)
    start_offsets = partial(last_readable, config.bootstrap, topics, within_s=ANSWER_A_JOB_WITHIN_S)
    in_subprocess = KNOBS[config.profile].subprocesses
    checking = CheckRecords(domain.make_validator, start_offsets, partial(last_made_offers, config.bootstrap))
    checked = process(
        records(table_environment),
        PythonOperator(checking, INTAKE_ENTRIES, FOR_ACCOUNTS, SIDES, in_subprocess=in_subprocess),
    )
    for_accounts = take_off_timestamp(watermarked(checked), Types.ROW([Types.STRING(), _BYTES]))
    documents = take_off_timestamp(watermarked(side_output(checked, DOCUMENTS)), _BYTES)
    deciding = PythonOperator(
        DecideForAccount(domain.decider),
        ACCOUNT_ENTRIES,
        tables.DECIDED_ROW,
        read_first=domain.read_first,
        in_subprocess=in_subprocess,
    )
    keyed = key_by_first_field(for_accounts, Types.STRING(), _BYTES)
    decided = process_with_broadcast(keyed, documents, PROGRAMME_STATE, deciding, config.parallelism)
    write(table_environment, decided, side_output(checked, REFUSED))
    name_operators(environment, DECISIONS_NAMES)
