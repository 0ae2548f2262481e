"""Downloads from a Maven repository, as a company's network has it: over its proxy, or from its own mirror.

Certificates are checked against the system's own store, where a company puts the authority of its proxy, and not
against a list that a Python package brings: pip does the same. `HTTPS_PROXY` and `NO_PROXY` are followed.
"""

from __future__ import annotations

import base64
import os
import shutil
import ssl
import urllib.error
import urllib.parse
import urllib.request
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

REPOSITORY_VARIABLE = "LOYALTY_MAVEN_REPOSITORY"
WITHIN_S = 60.0


class NotDownloaded(Exception):
    """Why a file could not be had, in a few words."""


def repository() -> str:
    """The Maven repository that archives come from: the mirror that `LOYALTY_MAVEN_REPOSITORY` names, else Central."""
    from jgo.constants import MAVEN_CENTRAL_URL

    return str(os.environ.get(REPOSITORY_VARIABLE) or MAVEN_CENTRAL_URL).rstrip("/")


def shown_repository() -> str:
    """The same without the name and password that may be in it."""
    return _without_user(repository())


def download(coordinates: str, to: Path) -> None:
    """Downloads the jar of Maven coordinates `group:artifact:version` into the file `to`.

    Raises NotDownloaded.
    """
    group, artifact, version = coordinates.split(":")
    address = f"{repository()}/{group.replace('.', '/')}/{artifact}/{version}/{artifact}-{version}.jar"
    try:
        with _opened(address) as answer, to.open("wb") as file:
            shutil.copyfileobj(answer, file)
    except (OSError, ValueError) as problem:  # among them what urllib and ssl raise
        raise NotDownloaded(_in_words(problem)) from problem


def _opened(address: str) -> AbstractContextManager[IO[bytes]]:
    import truststore

    request = urllib.request.Request(_without_user(address), headers=_authorization(address))
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    answer: AbstractContextManager[IO[bytes]] = urllib.request.urlopen(request, timeout=WITHIN_S, context=context)
    return answer


def _without_user(address: str) -> str:
    parts = urllib.parse.urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _authorization(address: str) -> dict[str, str]:
    """Of a mirror that wants to know who asks: `https://user:password@host/…`."""
    user, found, _ = urllib.parse.urlsplit(address).netloc.rpartition("@")
    if not found:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(urllib.parse.unquote(user).encode()).decode()}


def _in_words(problem: Exception) -> str:
    reason = getattr(problem, "reason", None) or problem
    if isinstance(problem, urllib.error.HTTPError):
        return f"{_without_user(problem.url or '')} answered {problem.code} {problem.reason}"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            f"the certificate is not one that this system trusts ({reason.verify_message}); the authority of a proxy "
            "belongs into the system's store, or into a file that SSL_CERT_FILE names"
        )
    return str(reason)
