"""Options that several commands share: said once, so that they mean the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

BOOTSTRAP_VARIABLE = "LOYALTY_BOOTSTRAP"

BootstrapOption = Annotated[str, typer.Option(help="Kafka, as HOST:PORT.", envvar=BOOTSTRAP_VARIABLE)]
UntilEndOption = Annotated[
    bool, typer.Option("--until-end", help="Stop when what the topics held at the start has been decided.")
]
StateOption = Annotated[Path, typer.Option(help="The folder that says where the job stopped.")]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Forget where it stopped; start over.")]
ClusterOption = Annotated[str, typer.Option(help="Flink's REST interface, as HOST:PORT.")]
FromSavepointOption = Annotated[str | None, typer.Option(help="A savepoint or checkpoint to go on from.")]
FromLatestOption = Annotated[
    Path | None,
    typer.Option(
        help="Go on from the newest checkpoint in this folder, which this machine and the cluster see alike, and keep "
        "the job's checkpoints there; where a job of the group runs already, leave it."
    ),
]
FreshSubmitOption = Annotated[
    bool, typer.Option("--fresh", help="Start over, though the group has been further; decides all of it again.")
]
PythonOption = Annotated[
    str,
    typer.Option(
        help="Python on the cluster's machines, with this project's dependencies.",
    ),
]
