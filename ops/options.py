"""Options that several commands share: said once, so that they mean the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.config import Delivery
from jobs.profiles import Profile
from jobs.runtime.names import MAX_PARALLELISM

BootstrapOption = Annotated[str, typer.Option(help="Kafka, as HOST:PORT.")]
UntilEndOption = Annotated[
    bool, typer.Option("--until-end", help="Stop when what the topics held at the start has been decided.")
]
StateOption = Annotated[Path, typer.Option(help="The folder that says where the job stopped.")]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Forget where it stopped; start over.")]

DecidersOption = Annotated[int, typer.Option(min=1, max=MAX_PARALLELISM, help="Instances that decide.")]
MatchersOption = Annotated[
    int, typer.Option(min=1, max=MAX_PARALLELISM, help="Instances that match engagements with campaigns.")
]
InstancesOption = Annotated[int, typer.Option(min=1, help="Instances of each operator.")]
DeliveryOption = Annotated[Delivery, typer.Option(help="How often a decision reaches its topic.")]
ProfileOption = Annotated[
    Profile, typer.Option(help="What it is tuned for: decisions that somebody waits for, or catching up.")
]
WatermarkLagOption = Annotated[str, typer.Option(help="How late an event may be: 30s, 10m, 24h …")]

ClusterOption = Annotated[str, typer.Option(help="Flink's REST interface, as HOST:PORT.")]
ClusterBootstrapOption = Annotated[
    str, typer.Option(help="Kafka as the cluster and this machine reach it, as HOST:PORT.")
]
CheckpointIntervalOption = Annotated[str, typer.Option(help="How much is done again after a failure.")]
CheckpointDirOption = Annotated[str | None, typer.Option(help="A URI to keep checkpoints; default: the cluster's.")]
FromSavepointOption = Annotated[str | None, typer.Option(help="A savepoint or checkpoint to go on from.")]
PythonOption = Annotated[str, typer.Option(help="Python on the cluster's machines, with this project's dependencies.")]
