"""The Java virtual machine that PyFlink starts beside Python: its class path and its environment.

Its class path has two jars that Flink's package does not put there, so that an archive of classes can hold theirs:
the planner itself, which Flink otherwise unpacks at every start and hides behind a class loader (Flink's documentation
offers both), and the Kafka connector. Behind them is the table format of the SQL models: what is added at the end does
not disturb an archive, and what is on the class path is not loaded and compiled against anew for each job.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from ops.errors import Refusal
from ops.flink.processes import flink_home, settings_of_processes
from ops.flink.table_format import format_jar
from ops.java.artifacts import flink_connector_jar
from ops.java.class_archives import FOLDER, GATEWAY, shared_classes

_PLANNER = "flink-table-planner.jar"


def settings_of_gateway(folder: Path, log: Path, jvm: str = "") -> dict[str, str]:
    """The environment variables under which PyFlink starts Java; `settings_of_processes` says what the arguments are.

    Raises:
        Refusal: the connector cannot be had, the format not be compiled, or the virtual environment not be written to.
    """
    variables = settings_of_processes(folder, log, jvm=jvm)
    # Whatever this variable is named after, it is what PyFlink puts at the end of the class path.
    behind = [*filter(None, os.environ.get("HADOOP_CLASSPATH", "").split(os.pathsep)), str(sql_format(variables))]
    return {
        **variables,
        **_jars(),
        "HADOOP_CLASSPATH": os.pathsep.join(dict.fromkeys(behind)),
        "JVM_ARGS": " ".join([variables["JVM_ARGS"], *shared_classes(GATEWAY)]),
    }


def sql_format(variables: Mapping[str, str]) -> Path:
    """The jar of the models' table format. `variables` are those of Flink's processes. Raises Refusal."""
    return format_jar({**variables, **_jars()})


def _jars() -> dict[str, str]:
    # Unless a home is named as well, PyFlink takes the jars of its package.
    return {"FLINK_HOME": str(flink_home()), "FLINK_LIB_DIR": str(library())}


def library() -> Path:
    """The folder of jars, which is made if it is not there yet. Raises Refusal."""
    connector = flink_connector_jar()
    # Named by what is in it: another Flink, or another connector, is another folder.
    folder = FOLDER / f"{next((flink_home() / 'lib').glob('flink-dist-*.jar')).stem}+{connector.stem}"
    if not folder.is_dir():
        try:
            _make(folder, connector)
        except OSError as problem:
            raise Refusal(f"Flink's jars cannot be put into {folder}: {problem.strerror}.") from problem
    return folder


def _make(folder: Path, connector: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="making-", dir=folder.parent) as temporary:
        half = Path(temporary) / "lib"
        half.mkdir()
        shutil.copyfile(connector, half / connector.name)
        for jar in (flink_home() / "lib").glob("*.jar"):
            if not jar.name.startswith("flink-table-planner-loader"):
                (half / jar.name).symlink_to(jar)
                continue
            with zipfile.ZipFile(jar) as loader, loader.open(_PLANNER) as inner, (half / _PLANNER).open("wb") as out:
                shutil.copyfileobj(inner, out)
        try:
            half.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was first
                raise


def class_path() -> str:
    """The class path that PyFlink will give it. Raises Refusal."""
    from pyflink.pyflink_gateway_server import (
        construct_flink_classpath,
        construct_hadoop_classpath,
        prepare_environment_variables,
    )

    variables = {**os.environ, **_jars()}
    prepare_environment_variables(variables)
    return os.pathsep.join([construct_flink_classpath(variables), construct_hadoop_classpath(variables)])
