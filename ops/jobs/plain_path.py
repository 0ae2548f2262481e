"""A path that every program understands.

Java is given its options as one text that is split at blanks, and Flink takes a folder as a URI without decoding what a
URI has to encode. So a folder with any other name is reached by a link that has a plain one, always the same for that
folder: checkpoints hold the paths of their files.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

_PLAIN = re.compile(r"[A-Za-z0-9_./+=@-]+")


def plain_path(path: Path) -> Path:
    """This absolute path, or one of a link to it. Raises OSError where the link cannot be made."""
    if _PLAIN.fullmatch(str(path)):
        return path
    link = _links() / hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    if not link.is_symlink():
        made = link.with_name(f"{link.name}.{os.getpid()}")
        made.symlink_to(path, target_is_directory=True)
        made.replace(link)
    return link


def _links() -> Path:
    """A folder of this user alone."""
    home = Path.home() / ".cache" / "loyalty" / "states"
    folder = home if _PLAIN.fullmatch(str(home)) else Path("/tmp") / f"loyalty-states-{os.getuid()}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(1, "it belongs to somebody else", str(folder))
    return folder
