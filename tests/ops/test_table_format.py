"""The table format of the SQL models: how it gets to where it is needed."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ops.flink.gateway import settings_of_gateway
from ops.flink.table_format import FACTORY, SERVICE, with_format
from ops.java.artifacts import flink_connector_jar


def test_java_has_the_format_at_the_end_of_its_class_path(tmp_path: Path) -> None:
    settings = settings_of_gateway(tmp_path, tmp_path / "flink.log")
    jar = Path(settings["HADOOP_CLASSPATH"].rpartition(":")[2])
    with zipfile.ZipFile(jar) as packed:
        assert _factories(packed) == [FACTORY]
        assert FACTORY.replace(".", "/") + ".class" in packed.namelist()


def test_a_cluster_is_sent_one_jar_with_the_connector_and_the_format(tmp_path: Path) -> None:
    settings = settings_of_gateway(tmp_path, tmp_path / "flink.log")
    jar = Path(settings["HADOOP_CLASSPATH"].rpartition(":")[2])
    connector = flink_connector_jar()
    sent = with_format(connector, jar, tmp_path)
    with zipfile.ZipFile(connector) as one, zipfile.ZipFile(jar) as other, zipfile.ZipFile(sent) as both:
        assert sorted(both.namelist()) == sorted({*one.namelist(), *other.namelist()})
        assert _factories(both) == [*_factories(one), FACTORY]


def _factories(jar: zipfile.ZipFile) -> list[str]:
    return [line for line in jar.read(SERVICE).decode().split("\n") if line and not line.startswith("#")]
