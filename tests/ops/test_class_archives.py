"""The archives from which Java starts sooner: that they are there after `make setup`, and are those that Java wants."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ops.java import class_archives
from ops.java.class_archives import BROKER, GATEWAY, archive_of, shared_classes
from ops.java.runtime import java
from ops.kafka import broker as kafka
from ops.kafka.broker import LocalKafka
from ops.setup.make_class_archives import CLASS_PATHS, of_class_path


def _starts_from_archive(name: str, class_path: str) -> bool:
    """Whether Java takes the archive: with this option it ends where it would else go on without."""
    command = [str(java()), *shared_classes(name), "-Xshare:on", "-cp", class_path, "-version"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", CLASS_PATHS)
def test_java_takes_the_archive_that_setup_has_made(name: str) -> None:
    assert shared_classes(name), "run `make setup`"
    assert _starts_from_archive(name, CLASS_PATHS[name]())


@pytest.mark.parametrize("name", CLASS_PATHS)
def test_java_does_not_take_the_archive_of_other_jars(name: str) -> None:
    first, *rest = CLASS_PATHS[name]().split(os.pathsep)
    assert not _starts_from_archive(name, os.pathsep.join([*rest, first]))


def test_a_broker_starts_from_the_archive(kafka_dir: Path) -> None:
    with LocalKafka(kafka_dir):
        broker = kafka.running(kafka_dir)
        assert broker is not None
        mapped = [file.path for file in psutil.Process(broker.pid).memory_maps()]
    assert str(archive_of(BROKER).resolve()) in mapped


STARTS_JAVA = """
import os, sys
from pathlib import Path
from ops.flink.gateway import settings_of_gateway
from ops.flink.mini_cluster import end_java, start_java

folder = Path(sys.argv[1])
os.environ.update(settings_of_gateway(folder, folder / "flink.log"))
java = start_java()
print(*(file.path for file in java.memory_maps()), sep="\\n")
end_java(java)
"""


def test_the_java_of_a_run_starts_from_the_archive(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS_JAVA, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert str(archive_of(GATEWAY).resolve()) in done.stdout.splitlines()


def test_without_an_archive_java_is_given_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_archives, "FOLDER", tmp_path)
    assert shared_classes(GATEWAY) == []


def test_an_archive_that_is_of_other_jars_is_not_talked_about(tmp_path: Path) -> None:
    command = [str(java()), *shared_classes(GATEWAY), "-cp", str(tmp_path), "-version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cds" not in done.stdout + done.stderr
    assert "shared class paths" not in done.stdout + done.stderr


def test_only_classes_of_the_class_path_are_archived() -> None:
    lines = [
        "java/lang/Object id: 0\n",
        "org/apache/calcite/rel/Made id: 8 super: 0 interfaces: 4 source: /jars/flink-table-runtime.jar\n",
        "@lambda-proxy kafka/Kafka$ run ()Ljava/lang/Runnable;\n",
    ]
    assert list(of_class_path(lines)) == ["java/lang/Object\n", lines[2]]
