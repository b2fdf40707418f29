"""What is taken in of a submission: plain files with the names of exercises, by value.

A folder that a stranger has filled may hold links to anywhere, pipes that never end,
devices, and files of any size.  A file is opened without following a link, looked at
while it is open, and read to a limit; nothing else of the folder is touched.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

#: The largest program that is taken in (bytes).
LARGEST = 128 << 10
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# a named pipe without a writer, and a device, are not waited for
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a link",
}


class NotTaken(Exception):
    """A file is not taken in; says why."""


def taken(folder: Path, name: str) -> bytes:
    """The content of a file of a submission.

    Args:
        folder: the submission, a path of the judge's own.
        name: the file's path in it.

    Raises:
        FileNotFoundError: it is not there.
        NotTaken: it is no plain file of text, or too large.
    """
    parts = Path(name).parts
    opened = [os.open(folder, _FOLDER & ~os.O_NOFOLLOW)]
    try:
        for part in parts[:-1]:
            opened.append(_opened(part, opened[-1], _FOLDER, name))
        opened.append(_opened(parts[-1], opened[-1], _FILE, name))
        return _content(opened[-1], name)
    finally:
        for fd in opened:
            os.close(fd)


def _opened(part: str, at: int, how: int, name: str) -> int:
    try:
        return os.open(part, how, dir_fd=at)
    except FileNotFoundError:
        raise
    except OSError as error:
        kind = _kind(part, at)
        raise NotTaken(f"{name} is not taken in: {f'{part} is {kind}' if kind else error.strerror}") from None


def _kind(part: str, at: int) -> str:
    try:
        return _KINDS.get(stat.S_IFMT(os.stat(part, dir_fd=at, follow_symlinks=False).st_mode), "")
    except OSError:
        return ""


def _content(fd: int, name: str) -> bytes:
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        raise NotTaken(f"{name} is not taken in: it is {_KINDS.get(stat.S_IFMT(found.st_mode), 'no plain file')}")
    if found.st_nlink != 1:
        raise NotTaken(f"{name} is not taken in: it has another name, too (a hard link)")
    if found.st_size > LARGEST:
        raise NotTaken(f"{name} is not taken in: {found.st_size:,} bytes; at most {LARGEST:,} are read")
    content = b""
    while len(content) <= LARGEST and (piece := os.read(fd, LARGEST + 1 - len(content))):
        content += piece
    if len(content) > LARGEST:
        raise NotTaken(f"{name} is not taken in: it grows while it is read")
    if b"\0" in content:
        raise NotTaken(f"{name} is not taken in: a zero byte at offset {content.index(0)} is no text")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotTaken(
            f"{name} is not taken in: byte 0x{content[error.start]:02x} at offset {error.start} is not UTF-8"
        ) from None
    return content
