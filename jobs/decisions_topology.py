"""How the operators of the decision job are joined. `docs/explanation/architecture.md` says why they are."""

from __future__ import annotations

from functools import partial

from pyflink.common import Types
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.config import DecisionsConfig
from jobs.domain import Decider, Validator
from jobs.operators.check_records import DOCUMENTS, FOR_ACCOUNTS, REFUSED, SIDES, CheckRecords
from jobs.operators.decide_for_account import OUTPUTS, PROGRAMME_STATE, DecideForAccount
from jobs.profiles import KNOBS
from jobs.runtime import tables
from jobs.runtime.names import ACCOUNT_PAGES, DECISIONS_NAMES, INTAKE_PAGES
from jobs.runtime.python_operators import PythonOperator, process, process_with_broadcast
from jobs.runtime.start_offsets import last_made_offers
from jobs.runtime.streams import key_by_first_field, records, side_output, take_off_timestamp, watermarked, write
from jobs.runtime.uids import name_operators
from jobs.topics import DECISIONS, INPUTS

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())


def build(
    environment: StreamExecutionEnvironment, config: DecisionsConfig, intake: Validator, decider: Decider
) -> None:
    """Adds the whole job to `environment`, from the input topics to the output topics; executing it is up to the
    caller.

    `intake` and `decider` are pickled into the job, so the modules of their classes must be there where it runs.
    """
    table_environment = StreamTableEnvironment.create(environment)
    tables.create_tables(table_environment, config, INPUTS, wanted=tables.NO_DECISIONS_BUT_OFFERS)
    # Of the decisions only offers cross to Python, so the last record of all would be waited for in vain.
    last_at_start = {topic: last for topic, last in config.last_at_start.items() if topic != DECISIONS}
    apart = KNOBS[config.profile].apart
    checking = CheckRecords(intake, last_at_start, partial(last_made_offers, config.bootstrap))
    checked = process(
        records(table_environment),
        PythonOperator(checking, INTAKE_PAGES, FOR_ACCOUNTS, SIDES, apart=apart),
    )
    for_accounts = take_off_timestamp(watermarked(checked), Types.ROW([Types.STRING(), _BYTES]))
    documents = take_off_timestamp(watermarked(side_output(checked, DOCUMENTS)), _BYTES)
    decided = process_with_broadcast(
        key_by_first_field(for_accounts, Types.STRING(), _BYTES),
        documents,
        PROGRAMME_STATE,
        PythonOperator(DecideForAccount(decider), ACCOUNT_PAGES, OUTPUTS, read_first=decider.reads_first, apart=apart),
        config.parallelism,
    )
    write(table_environment, decided, side_output(checked, REFUSED))
    name_operators(environment, DECISIONS_NAMES)
