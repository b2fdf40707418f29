# expect: pass
# gap: none
# cause: none, it is right: a class reads number by number; what is written goes to a named temporary file beside the path, which then takes its place.
# shows: never
from __future__ import annotations

import os
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from tempfile import NamedTemporaryFile


class NotPcap(ValueError):
    pass


@dataclass
class Reader:
    file: BufferedReader
    byteorder: str = "big"
    multiplier: int = 0

    def uint(self, width: int) -> int:
        got = self.file.read(width)
        if len(got) != width:
            raise NotPcap("unexpected end")
        return int.from_bytes(got, self.byteorder)

    def __post_init__(self) -> None:
        first = self.uint(4)
        if first in (0xD4C3B2A1, 0x4D3CB2A1):
            self.byteorder = "little"
            first = int.from_bytes(first.to_bytes(4, "big"), "little")
        try:
            self.multiplier = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}[first]
        except KeyError:
            raise NotPcap(f"{first:x} begins no capture") from None
        major = self.uint(2)
        self.uint(2), self.uint(4), self.uint(4), self.uint(4)
        if major != 2 or self.uint(4) != 1:
            raise NotPcap("of another kind")

    def __iter__(self):
        while self.file.peek(1):
            when = self.uint(4) * 1_000_000_000 + self.uint(4) * self.multiplier
            size, _ = self.uint(4), self.uint(4)
            if size > 262144:
                raise NotPcap("oversized")
            frame = self.file.read(size)
            if len(frame) < size:
                raise NotPcap("unexpected end")
            yield when, frame


def read_pcap(path: str) -> list[tuple[int, bytes]]:
    with Path(path).open("rb") as file:
        return [*Reader(file)]


def write_pcap(path: str, frames) -> None:
    out = [bytes.fromhex("a1b2c3d4 0002 0004 00000000 00000000 00040000 00000001")]
    for when, frame in frames:
        us = when // 1000
        try:
            head = (us // 1_000_000).to_bytes(4, "big") + (us % 1_000_000).to_bytes(4, "big")
        except OverflowError as e:
            raise ValueError("time out of range") from e
        if len(frame) > 262144:
            raise ValueError("frame out of range")
        out += [head, 2 * len(frame).to_bytes(4, "big"), frame]
    target = Path(path)
    if target.is_dir():
        target.open("wb")
    try:
        with NamedTemporaryFile(dir=target.parent, delete=False) as file:
            file.write(b"".join(out))
        os.replace(file.name, path)
    except OSError:
        try:
            os.unlink(file.name)
        except (NameError, OSError):
            pass
        raise
