"""The processes of Flink on this machine: where its programs are, and under which settings they run."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ops.java.runtime import java_home

JVM_OF_SHORT_LIFE = "-XX:TieredStopAtLevel=1"
"""What runs here is short, or bound by Python. Java's second compiler would first take a core for most of a minute."""
JVM_OF_A_RUN = f"-XX:+UseParallelGC {JVM_OF_SHORT_LIFE}"

# One line a message, warnings and what the job does; the rest of Flink's talk at INFO is about itself.
_LOG4J = """\
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = File
appender.file.name = File
appender.file.type = FILE
appender.file.append = false
appender.file.fileName = {log}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{yyyy-MM-dd HH:mm:ss,SSS}} %-5p %c{{1}} - %m%n
logger.kafka.name = org.apache.flink.kafka.shaded.org.apache.kafka
logger.kafka.level = WARN
# Each checkpoint of a job with sinks gives a metric a name that it has already.
logger.metrics.name = org.apache.flink.metrics.MetricGroup
logger.metrics.level = ERROR
"""


def flink_home() -> Path:
    """Flink as the Python package brings it. Found without importing it, which takes a second."""
    from importlib.util import find_spec

    found = find_spec("pyflink")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def settings_of_processes(
    folder: Path, log: Path, options: Mapping[str, str | int] | None = None, jvm: str = ""
) -> dict[str, str]:
    """The environment variables under which Flink's programs run here.

    Args:
        folder: for `conf/`, since the package's own is not ours to change, and `tmp/`, since Flink leaves 40 MB and
            more behind in it each time it starts; both are made anew. Whoever owns the folder removes it.
        log: the file to log to.
        options: Flink's options besides those of the package's configuration.
        jvm: Java's options, unless `JVM_ARGS` says otherwise.
    """
    conf, temporary = folder / "conf", folder / "tmp"
    for made_anew in (conf, temporary):
        shutil.rmtree(made_anew, ignore_errors=True)
        made_anew.mkdir(parents=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    packaged = yaml.safe_load((flink_home() / "conf" / "config.yaml").read_text(encoding="utf-8"))
    (conf / "config.yaml").write_text(yaml.safe_dump({**_flat(packaged), **(options or {})}), encoding="utf-8")
    for program in ("log4j-cli", "log4j", "log4j-console"):
        (conf / f"{program}.properties").write_text(_LOG4J.format(log=log), encoding="utf-8")
    python = str(Path(sys.executable).parent)
    return {
        "JAVA_HOME": str(java_home()),
        "JVM_ARGS": f"{os.environ.get('JVM_ARGS', jvm)} -Djava.io.tmpdir={temporary}".strip(),
        "TMPDIR": str(temporary),
        "FLINK_CONF_DIR": str(conf),
        "FLINK_LOG_DIR": str(log.parent),
        "FLINK_PID_DIR": str(log.parent),
        # Thread mode finds its packages by the first `python` of the path; our own commands are beside it.
        "PATH": os.pathsep.join([python, os.environ.get("PATH", os.defpath)]),
    }


def _flat(settings: Mapping[str, Any], under: str = "") -> dict[str, Any]:
    """Nested settings by their full names, so that one can be replaced without the rest of its group."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{under}{name}.")
        else:
            flat[under + name] = value
    return flat
