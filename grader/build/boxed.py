"""The compiler in a box: it reads a file that nobody trusts, and what it makes of it
comes back through a pipe, never by a path.

A source can have the compiler read files, fill the disk, take all memory and never
end; the box has nothing to read, and these limits.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from pathlib import Path

from grader.confine.box import Box, tool

#: What one run of the compiler may use: memory and its largest file (bytes), processor
#: time and time (seconds).
_MEMORY, _FILE, _PROCESSOR, _PATIENCE = 2 << 30, 64 << 20, 30, 120
#: What it may say (bytes), and how large what it makes may be.
_WORDS, _PRODUCT = 256 << 10, 32 << 20
#: Where its product lies inside, until it is written to the pipe.
_INSIDE = "/tmp/product"


def made_in_box(box: Box, argv: list[str], directory: Path, product: Path) -> subprocess.CompletedProcess:
    """Run the compiler; what it makes is written to a file of the judge's.

    Args:
        argv: the command, without its ``-o``.
        directory: that it works in.
        product: the file that is written, if it succeeds.

    Returns:
        Its exit status, and its words as ``stderr``.
    """
    script = f'"$@" -o {_INSIDE} >&2 && exec cat {_INSIDE}'
    status, output, words = _run(box, ["/bin/sh", "-c", script, "sh", *argv], directory)
    if status == 0:
        product.write_bytes(output)
    return subprocess.CompletedProcess(argv, status, "", words)


def told_in_box(box: Box, argv: list[str], directory: Path) -> str:
    """What a command prints."""
    return _run(box, argv, directory)[1].decode(errors="replace")


def _run(box: Box, argv: list[str], directory: Path) -> tuple[int, bytes, str]:
    """Exit status, standard output and standard error of a command; one that says too
    much or takes too long is ended."""
    limits = [f"--as={_MEMORY}", f"--fsize={_FILE}", f"--cpu={_PROCESSOR}", "--core=0"]
    environment = {"PATH": os.defpath, "LC_ALL": "C", "TERM": "dumb", "TMPDIR": "/tmp"}
    command = box.command([tool("prlimit"), *limits, "--", *argv], environment, str(directory))
    running = subprocess.Popen(
        command.argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=command.fds,
        env={},
        start_new_session=True,
    )
    command.close()
    read = {running.stdout: bytearray(), running.stderr: bytearray()}
    most = {running.stdout: _PRODUCT, running.stderr: _WORDS}
    why = ""
    with running, selectors.DefaultSelector() as selector:
        for stream in read:
            selector.register(stream, selectors.EVENT_READ)
        end = time.monotonic() + _PATIENCE
        while selector.get_map() and not why:
            ready = selector.select(max(0, end - time.monotonic()))
            if not ready:
                why = f"the compiler was ended: it took longer than {_PATIENCE} s"
            for key, _events in ready:
                piece = os.read(key.fd, 1 << 16)
                if not piece:
                    selector.unregister(key.fileobj)
                read[key.fileobj] += piece
                if len(read[key.fileobj]) > most[key.fileobj]:
                    why = "the compiler was ended: it wrote more than anybody can read"
        if why:
            running.kill()
    words = bytes(read[running.stderr][:_WORDS]).decode(errors="replace")
    return (1, b"", f"{words}\n{why}") if why else (running.returncode, bytes(read[running.stdout]), words)
