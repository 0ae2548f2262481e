"""What can be known of docker-compose.yml and Dockerfile without Docker: that they agree with the rest."""

from __future__ import annotations

import base64
import itertools
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.java.artifacts import pinned
from ops.kafka.server_properties import SETTINGS
from ops.own_command import own_command

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
CLUSTER: dict[str, Any] = yaml.safe_load((ROOT / "ops" / "flink" / "cluster.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")

# Every call of our command, in the comments too: from `loyalty` to what ends it.
COMMANDS = [
    command.strip()
    for command in re.findall(r"\bloyalty ([a-z][^\"&\n]*)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
]


def test_kafka_is_the_version_that_the_tests_run_on() -> None:
    [broker] = [jar for jar in pinned()["kafka"] if jar.coordinates.startswith("org.apache.kafka:kafka_2.13:")]
    assert SERVICES["kafka"]["image"] == "apache/kafka:" + broker.coordinates.rpartition(":")[2]


def test_kafka_has_the_settings_of_the_local_broker() -> None:
    local = {"KAFKA_" + name.upper().replace(".", "_"): str(value) for name, value in SETTINGS.items()}
    own_to_containers = {"KAFKA_LOG_DIRS"}
    for name, value in SERVICES["kafka"]["environment"].items():
        if name in local and name not in own_to_containers:
            assert str(value) == local[name], name


def test_every_address_that_is_named_is_one_that_a_service_has() -> None:
    environment = SERVICES["kafka"]["environment"]
    listening = {int(address.rpartition(":")[2]) for address in environment["KAFKA_LISTENERS"].split(",")}
    for address in environment["KAFKA_ADVERTISED_LISTENERS"].split(","):
        host, port = re.fullmatch(r"\w+://(.+):(\d+)", address).groups()  # type: ignore[union-attr]
        assert int(port) in listening
        if host == "localhost":
            assert f"{port}:{port}" in SERVICES["kafka"]["ports"]
        else:
            assert host in SERVICES
    assert "INSIDE://kafka:9092" in environment["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert {address for command in COMMANDS for address in re.findall(r"--bootstrap (\S+)", command)} == {"kafka:9092"}
    assert {address for command in COMMANDS for address in re.findall(r"--cluster (\S+)", command)} == {
        f"{CLUSTER['rest']['address']}:8081"
    }
    assert CLUSTER["jobmanager"]["rpc"]["address"] in SERVICES
    assert CLUSTER["rest"]["address"] in SERVICES


def test_what_a_service_waits_for_exists_and_says_when_it_is_ready() -> None:
    for service in SERVICES.values():
        for name, how in service.get("depends_on", {}).items():
            assert name in SERVICES
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[name]


def test_state_is_kept_on_a_volume_that_is_declared() -> None:
    mounts = {mount for service in SERVICES.values() for mount in service.get("volumes", [])}
    assert {mount.split(":")[0] for mount in mounts} == set(COMPOSE["volumes"])
    places = {mount.split(":")[1] for mount in mounts}
    for folder in CLUSTER["execution"]["checkpointing"].values():
        assert any(folder.startswith(f"file://{place}/") for place in places)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_file_exists_with_its_options(command: str) -> None:
    words = command.split()
    verb = itertools.takewhile(lambda word: not word.startswith("-"), words)
    shown = subprocess.run(
        own_command([*verb, "--help"]),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"COLUMNS": "200", "PATH": "", "PYTHONPATH": str(ROOT)},
    )
    assert shown.returncode == 0, shown.stderr
    for option in (word for word in words if word.startswith("--")):
        assert option in shown.stdout


def test_the_commands_were_found() -> None:
    assert len(COMMANDS) >= 5


def test_the_image_is_made_of_files_that_exist_on_a_python_that_fits() -> None:
    version = re.search(r"FROM python:3\.(\d+)-", DOCKERFILE)
    assert version
    assert 10 <= int(version[1]) <= 12
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for source in re.findall(r"^COPY --chown=\S+ (.+) \S+$", DOCKERFILE, re.MULTILINE):
        for name in source.split():
            assert (ROOT / name).exists()
            assert name == "." or name.split("/")[0] in sent
    assert {"loyalty", "jobs", "ops", "catalogue"} <= set(sent)


def test_flinks_own_scripts_that_the_services_call_are_in_the_package() -> None:
    import pyflink

    scripts = Path(pyflink.__path__[0]) / "bin"
    for name in ("jobmanager", "taskmanager"):
        script = SERVICES[name]["command"].split()[0]
        assert (scripts / script).is_file()


def test_the_broker_has_an_id_of_its_own_and_the_jobs_go_on_after_down_and_up() -> None:
    cluster_id = SERVICES["kafka"]["environment"]["CLUSTER_ID"]
    assert len(base64.urlsafe_b64decode(cluster_id + "==")) == 16
    assert cluster_id != "5L6g3nShT-eMCtK--X86sw", "the image's own"
    submits = [command for command in COMMANDS if command.startswith("submit")]
    folders = {words[words.index("--from-latest") + 1] for words in map(str.split, submits)}
    kept = CLUSTER["execution"]["checkpointing"]["dir"].removeprefix("file://")
    assert len(folders) == len(submits) == 2, "a folder for each job"
    assert all(folder.startswith(kept + "/") for folder in folders)
    assert SERVICES["submit"]["restart"] == SERVICES["jobmanager"]["restart"] == "unless-stopped"
