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
PythonOption = Annotated[
    str,
    typer.Option(
        help="Python on the cluster's machines, with this project's dependencies.",
    ),
]
