"""Whom the embedded PostgreSQL runs as. PostgreSQL refuses to run as root, so root lends it to a user of its own."""

import os
import pwd
import shutil
import stat
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: The system user that owns the server and its data when Tyrian is run by root.
SYSTEM_USER: Final = "tyrian-pg"

# Linux's ACL format (linux/posix_acl_xattr.h): a version, then (tag, permissions, id) for each entry.
_ACL_NAME: Final = "system.posix_acl_access"
_ACL_VERSION: Final = 2
_ACL_ENTRY: Final = struct.Struct("<HHI")
_USER_OBJ, _USER, _GROUP_OBJ, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NO_ID: Final = 0xFFFFFFFF
_MAY_PASS: Final = 1


class NoSuchUserError(Exception):
    """Tyrian runs as root and there is no unprivileged user to run PostgreSQL as, nor a way to make one."""


@dataclass(frozen=True, slots=True)
class RunAs:
    """A user and group by number, or nobody in particular: whoever runs this process."""

    uid: int | None = None
    gid: int | None = None

    def options(self) -> dict[str, Any]:
        """The arguments that make `subprocess` run a program as this user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Make this user the owner of `path`."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def can_use(self, path: Path) -> bool:
        """Whether this user may enter the folder, or run the program, at `path`."""
        if self.uid is None:
            return os.access(path, os.X_OK)
        command = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
        return subprocess.run(command, check=False, cwd="/", **self.options()).returncode == 0


def for_data(path: Path) -> RunAs:
    """Whom the server over the data at `path` runs as: this process's own user, unless that is root.

    Raises `NoSuchUserError` when root has no user to lend the server to.
    """
    if os.geteuid() != 0:
        return RunAs()
    if path.exists():
        owner = path.stat()
        return RunAs(owner.st_uid, owner.st_gid)
    entry = _system_user()
    return RunAs(entry.pw_uid, entry.pw_gid)


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    useradd = shutil.which("useradd", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    said = "there is no useradd"
    if useradd:
        command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise NoSuchUserError(
            f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made ({said}). "
            f"Make it by hand, run Tyrian as another user, or set TYRIAN_DATABASE_URL to a PostgreSQL of your own."
        ) from None


def open_way(path: Path, who: RunAs) -> None:
    """Let `who` pass through the folders above `path`, where they may not already.

    Each closed folder gets one entry in its access control list: this user may pass through, and neither list nor
    read it. So a gateway that root keeps under `/root` works, and `/root` stays shut to everyone else.
    """
    if who.uid is None:
        return
    for folder in reversed(path.parents):
        if not who.can_use(folder):
            let_pass(folder, who.uid)


def open_tree(path: Path, who: RunAs) -> None:
    """Let everyone read the program files under `path`, which a strict umask may have closed at installation."""
    if who.uid is None:
        return
    for file in [path, *path.rglob("*")]:
        mode = file.stat().st_mode
        shared = mode | stat.S_IRGRP | stat.S_IROTH
        if mode & stat.S_IXUSR:
            shared |= stat.S_IXGRP | stat.S_IXOTH
        if shared != mode and not file.is_symlink():
            file.chmod(stat.S_IMODE(shared))


def let_pass(folder: Path, uid: int) -> None:
    """Let one user pass through a folder, and nothing else; where there are no access control lists, let everyone."""
    try:
        if sys.platform != "linux":
            raise OSError
        os.setxattr(folder, _ACL_NAME, _with_passage(_acl_of(folder), uid))
    except OSError:
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)


def _acl_of(folder: Path) -> dict[tuple[int, int], int]:
    """The folder's access control list as {(tag, id): permissions}; made from its mode bits if it has none."""
    mode = folder.stat().st_mode
    plain = {
        (_USER_OBJ, _NO_ID): (mode >> 6) & 7,
        (_GROUP_OBJ, _NO_ID): (mode >> 3) & 7,
        (_OTHER, _NO_ID): mode & 7,
    }
    if sys.platform != "linux" or _ACL_NAME not in os.listxattr(folder):
        return plain
    raw = os.getxattr(folder, _ACL_NAME)
    return {(tag, who): allowed for tag, allowed, who in _ACL_ENTRY.iter_unpack(raw[4:])}


def _with_passage(acl: dict[tuple[int, int], int], uid: int) -> bytes:
    """The list with one user let through. The mask bounds what named users and groups get, so it must allow it too."""
    acl = dict(acl)
    acl[_USER, uid] = acl.get((_USER, uid), 0) | _MAY_PASS
    mask = acl.get((_MASK, _NO_ID), acl[_GROUP_OBJ, _NO_ID])
    acl[_MASK, _NO_ID] = mask | _MAY_PASS
    entries = [_ACL_ENTRY.pack(tag, allowed, who) for (tag, who), allowed in sorted(acl.items())]
    return struct.pack("<I", _ACL_VERSION) + b"".join(entries)
