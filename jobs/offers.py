"""The offers job, to be submitted: `flink run -py jobs/offers.py --bootstrap HOST:PORT [...]`.

`loyalty submit offers` does that with all that the job needs; `loyalty run offers` runs the same job without a cluster.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyflink.datastream import StreamExecutionEnvironment

from jobs.command import AddJob, submit
from jobs.config import OffersConfig
from jobs.kinds import OFFERS_KIND
from jobs.offers_topology import OffersDomain, build
from loyalty.offers.making import OfferMaker
from loyalty.offers.matching import LEDGER_ENTRY, Matcher
from loyalty.offers.validation import EngagementValidator


def add_offers(environment: StreamExecutionEnvironment, config: OffersConfig) -> None:
    """The offers job with the loyalty domain in it."""
    build(environment, config, OffersDomain(EngagementValidator(), Matcher(), OfferMaker(), (LEDGER_ENTRY,)))


def main(arguments: Sequence[str] | None = None, add_job: AddJob = add_offers) -> None:
    """Submit the job: to a cluster under `flink run`, else to a mini-cluster in this process."""
    submit(OFFERS_KIND, add_job, arguments)


if __name__ == "__main__":
    main()
