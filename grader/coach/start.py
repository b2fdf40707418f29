"""Calls an exercise's function outside of the grader: started by `by_hand`, as a script.

What it calls, and with what, stands in the exercise's ``run.toml``.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import re
import socket
import sys
import time
import tomllib
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

_PR_SET_PTRACER = 0x59616D61


def tell(name: str, value: Any) -> Any:
    """Print what a function has returned; returns it."""
    print(f"{name}() returned {value!r}", flush=True)
    return value


def client(port: str) -> socket.socket:
    """Whoever connects first."""
    with socket.create_server(("127.0.0.1", int(port))) as listener:
        connection, _ = listener.accept()
    print("a client has connected", flush=True)
    return connection


def await_tracer() -> None:
    """Wait until strace follows this process, so that it shows none of the start."""
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1 & (1 << 64) - 1), 0, 0, 0)
    while re.search(r"^TracerPid:\t0$", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE):
        time.sleep(0.005)


def main(folder: str, *values: str) -> None:
    """Import the learner's file and do what ``run.toml`` says.

    Args:
        folder: of the exercise.
        values: the arguments, in their order.
    """
    home = Path(folder)
    slug = home.name[3:]
    sys.path[0] = str(home)  # a module of one's own, beside the file, is found
    manifest = tomllib.loads((home / "run.toml").read_text(encoding="utf-8"))
    me = os.getpid()
    try:
        known = dict(vars(importlib.import_module(slug)))
        known |= {
            "tell": tell,
            "client": client,
            "os": os,
            "socket": socket,
            **dict(zip(manifest["arguments"], values, strict=True)),
        }
        if os.environ.get("THIRTEEN_BYTES_STRACE"):
            await_tracer()
        exec(compile(manifest["python"], str(home / "run.toml"), "exec"), known)
    except KeyboardInterrupt as interrupt:
        if os.getpid() == me:
            print(f"\ninterrupted{_where(interrupt.__traceback__, home)}", file=sys.stderr)
        _leave(130)
    except SystemExit:
        raise
    except BaseException as error:
        own = error.__traceback__
        while own is not None and not own.tb_frame.f_code.co_filename.startswith(str(home / slug)):
            own = own.tb_next
        traceback.print_exception(error.with_traceback(own or error.__traceback__))
        _leave(1)


def _where(trace: TracebackType | None, home: Path) -> str:
    """The learner's line that ran last."""
    frames = [f for f in traceback.extract_tb(trace) if Path(f.filename).parent == home and f.filename.endswith(".py")]
    return f" in {frames[-1].name}(), {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _leave(code: int) -> None:
    """End at once, whatever threads there are."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
