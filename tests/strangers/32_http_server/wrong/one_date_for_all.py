# expect: fail
# gap: other
# cause: Date is the time of the C library, in its own form.
# shows: Any answer.
# says: is answered without a Date, or with one in another form
"""A server of HTTP/1.1 with asyncio: a coroutine for each client, in one thread."""

import asyncio
import errno
import os
import socket
import string
import time
import urllib.parse
from pathlib import Path

PHRASES = {
    200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
    431: "Header Too Large", 501: "Not Implemented", 505: "Version Not Supported",
}  # fmt: skip


def judge(  # noqa: PLR0911 - one for each thing that is wrong
    header: bytes,
) -> tuple[int, str, str, int, bool]:
    """Status, method, target, length of the body, and whether it is the last request."""
    line, *fields = header.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    words = line.split(" ")
    if len(words) != 3 or len(words[2]) != 8 or words[2][:5] != "HTTP/" or words[2][6] != ".":
        return 400, "", "", 0, True
    method, target, version = words
    if version[5] not in string.digits or version[7] not in string.digits:
        return 400, "", "", 0, True
    if version[5] != "1":
        return 505, "", "", 0, True
    hosts, lengths, is_coded, is_last = 0, {"0"}, False, version == "HTTP/1.0"
    for field in fields:
        name, colon, value = field.partition(":")
        name, value = name.lower(), value.strip(" \t")
        if not colon or not name or name.strip() != name:
            return 400, "", "", 0, True
        match name:
            case "host":
                hosts += 1
            case "content-length":
                lengths = lengths - {"0"} | {value}
            case "transfer-encoding":
                is_coded = True
            case "connection":
                is_last |= "close" in [word.strip().lower() for word in value.split(",")]
    length = lengths.pop()
    if hosts > 1 or (hosts == 0 and version != "HTTP/1.0") or lengths:
        return 400, "", "", 0, True
    if not (length.isascii() and length.isdigit() and len(length) < 19):
        return 400, "", "", 0, True
    if is_coded:
        return 501, "", "", 0, True
    return 200 if method in ("GET", "HEAD") else 405, method, target, int(length), is_last


def find(root: Path, target: str) -> Path | None:
    """The regular file that a target names, if it is under root."""
    name = urllib.parse.unquote_to_bytes(target.split("?", maxsplit=1)[0].encode("latin-1"))
    if b"\0" in name:
        return None
    try:
        path = Path(os.path.realpath(bytes(root) + b"/" + name).decode(errors="surrogateescape"))
        return path if path.is_relative_to(root) and path.is_file() else None
    except OSError:
        return None


class Client:
    """One connection."""

    def __init__(self, root, seconds, reader, writer):
        self.root, self.seconds = root, seconds
        self.reader, self.writer = reader, writer
        self.buffer = b""
        # drain() then waits until the kernel has all, and the time counts from there
        writer.transport.set_write_buffer_limits(0)

    async def more(self, until: float) -> bool:
        """Wait for more bytes; whether there were some."""
        left = until - time.monotonic()
        data = await asyncio.wait_for(self.reader.read(4096), max(left, 0.001))
        self.buffer += data
        return bool(data)

    async def header(self) -> bytes:
        until = time.monotonic() + self.seconds
        if not self.buffer:
            if not await self.more(until):
                return b""
            until = time.monotonic() + self.seconds
        while b"\r\n\r\n" not in self.buffer and len(self.buffer) <= 8192:
            if not await self.more(until):
                return b""
        size = self.buffer.find(b"\r\n\r\n") + 4
        if not 4 <= size <= 8192:
            return self.buffer
        header, self.buffer = self.buffer[:size], self.buffer[size:]
        return header

    async def answer(self, status: int, path: Path | None, head_only: bool) -> None:
        size = path.stat().st_size if path else 0
        date = time.ctime()
        allow = "Allow: GET, HEAD\r\n" if status == 405 else ""
        text = f"HTTP/1.1 {status} {PHRASES[status]}\r\ndate: {date}\r\n{allow}content-length: {size}\r\n\r\n"
        self.writer.write(text.encode())
        if path and not head_only:
            with path.open("rb") as file:
                while size > 0 and (data := file.read(min(size, 16384))):
                    self.writer.write(data)
                    size -= len(data)
                    await self.writer.drain()
        await self.writer.drain()

    async def serve(self) -> bool:
        """Serve until the last request; whether an answer was the last thing."""
        while header := await self.header():
            if len(header) > 8192:
                await self.answer(431, None, False)
                return True
            status, method, target, length, is_last = judge(header)
            while status in (200, 405) and length > len(self.buffer):
                length -= len(self.buffer)
                self.buffer = b""
                if not await self.more(time.monotonic() + self.seconds):
                    return False
            self.buffer = self.buffer[length:]
            path = find(self.root, target) if status == 200 else None
            if status == 200 and path is None:
                status = 404
            await self.answer(status, path, method == "HEAD")
            if is_last:
                return True
        return False

    async def run(self) -> None:
        try:
            if await self.serve():
                self.writer.write_eof()
                until = time.monotonic() + self.seconds
                while await self.more(until):
                    self.buffer = b""
        except (OSError, TimeoutError):
            pass
        finally:
            self.writer.close()


async def main(listener: socket.socket, root: Path, seconds: float) -> None:
    loop, tasks = asyncio.get_running_loop(), set()
    while True:
        try:
            connection, _ = await loop.sock_accept(listener)
        except OSError as error:
            if error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT):
                raise
            await asyncio.sleep(0.01)
            continue
        reader, writer = await asyncio.open_connection(sock=connection)
        task = asyncio.create_task(Client(root, seconds, reader, writer).run())
        tasks.add(task)
        task.add_done_callback(tasks.discard)


def serve(port: str, root: str, seconds: float) -> None:
    """Serve the files under root until the process ends."""
    if seconds < 0:
        raise ValueError("a negative time")
    folder = Path(os.path.realpath(root, strict=True))
    if not folder.is_dir():
        raise NotADirectoryError(root)
    found = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with socket.socket(*found[0][:3]) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(found[0][4])
        listener.listen(100)
        listener.setblocking(False)
        asyncio.run(main(listener, folder, seconds))
