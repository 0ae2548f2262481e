"""Fetching Java archives in a company's network: its proxy's authority is in the system's store, and only there."""

from __future__ import annotations

import hashlib
import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from ops.errors import Exit
from ops.java.downloads import REPOSITORY_VARIABLE
from tests.ops.https_server import AUTHORITY, NAME, serving

CONTENT = b"what the repository serves"
PATH = "/maven2/org/example/thing/1.0/thing-1.0.jar"
FETCH = f"""
import sys
from ops.errors import Refusal
from ops.java.artifacts import Jar, fetch
try:
    [path] = fetch([Jar("org.example:thing:1.0", "{hashlib.sha256(CONTENT).hexdigest()}")])
except Refusal as refusal:
    sys.exit(print(refusal, file=sys.stderr) or refusal.code)
sys.stdout.buffer.write(path.read_bytes())
"""


@pytest.fixture
def store_with_the_authority(tmp_path: Path) -> Path:
    """A private copy of the system's store, and the authority of our proxy behind it."""
    system = ssl.get_default_verify_paths().cafile
    known = Path(system).read_text() if system else ""
    store = tmp_path / "store.pem"
    store.write_text(known + "\n" + AUTHORITY.read_text())
    return store


def fetch(cache: Path, store: Path | None, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Fetches in a process of its own, which knows no store but this one, or only the system's."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ}
    own = {"SSL_CERT_FILE": str(store), "SSL_CERT_DIR": str(cache)} if store else {}
    return subprocess.run(
        [sys.executable, "-c", FETCH],
        env={**kept, **own, "LOYALTY_CACHE": str(cache), **variables},
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_behind_a_proxy_that_opens_tls_the_systems_store_is_what_counts(
    store_with_the_authority: Path, tmp_path: Path
) -> None:
    with serving({PATH: CONTENT}, tls=False) as proxy:
        behind_it = {"HTTPS_PROXY": f"http://{proxy.address}", REPOSITORY_VARIABLE: f"https://{NAME}/maven2"}
        done = fetch(tmp_path, store_with_the_authority, **behind_it)
    assert done.stdout == CONTENT, done.stderr.decode()
    assert proxy.asked == [f"CONNECT {NAME}:443", f"GET {PATH}"]


def test_a_mirror_can_be_named_and_told_who_asks(store_with_the_authority: Path, tmp_path: Path) -> None:
    with serving({PATH: CONTENT}, tls=True) as mirror:
        named = {REPOSITORY_VARIABLE: f"https://me:s%40fe@{mirror.address}/maven2/", "NO_PROXY": "127.0.0.1"}
        done = fetch(tmp_path, store_with_the_authority, **named)
    assert done.stdout == CONTENT, done.stderr.decode()
    assert mirror.asked == [f"GET {PATH} as Basic bWU6c0BmZQ=="]


def test_an_authority_that_the_system_does_not_know_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with serving({PATH: CONTENT}, tls=True) as mirror:
        named = {REPOSITORY_VARIABLE: f"https://me:secret@{mirror.address}/maven2", "NO_PROXY": "127.0.0.1"}
        done = fetch(tmp_path, None, **named)
    said = done.stderr.decode()
    assert done.returncode == Exit.FAILED
    assert f"could not be downloaded from https://{mirror.address}/maven2: the certificate is not one that" in said
    assert "SSL_CERT_FILE" in said
    assert "secret" not in said
    assert "Traceback" not in said
    assert mirror.asked == []


def test_what_a_mirror_does_not_have_is_said_with_its_answer(store_with_the_authority: Path, tmp_path: Path) -> None:
    with serving({}, tls=True) as mirror:
        named = {REPOSITORY_VARIABLE: f"https://{mirror.address}/maven2", "NO_PROXY": "127.0.0.1"}
        done = fetch(tmp_path, store_with_the_authority, **named)
    assert done.returncode == Exit.FAILED
    assert f"https://{mirror.address}{PATH} answered 404" in done.stderr.decode()
