"""A thread reads, and puts what it gets into a queue; the caller waits for the queue."""

import queue
import socket
import threading
from contextlib import contextmanager
from time import monotonic


@contextmanager
def mailbox(sock):
    """A queue of what arrives: (datagram, source), or an OSError."""
    box, ending = queue.Queue(), threading.Event()

    def read():
        while not ending.is_set():
            try:
                box.put(sock.recvfrom(1024))
            except ConnectionRefusedError:
                continue
            except OSError as error:
                box.put(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield box
    finally:
        ending.set()
        try:
            sock.shutdown(socket.SHUT_RDWR)  # it wakes the reader, whether it is connected or not
        except OSError:
            pass
        reader.join()


def letter(box, end):
    """The next one before that moment (None: without a limit); None if there is none."""
    try:
        got = box.get(timeout=None if end is None else max(0, end - monotonic()))
    except queue.Empty:
        return None
    if isinstance(got, OSError):
        raise got
    return got


def send_reliably(host, port, data, seconds):
    if seconds < 0:
        raise ValueError("seconds")
    pieces = [data[i : i + 512] for i in range(0, len(data), 512)] + [b""]
    for info in (infos := socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)):
        done = 0
        try:
            with socket.socket(*info[:3]) as sock:
                sock.connect(info[4])
                with mailbox(sock) as box:
                    for done, piece in enumerate(pieces):
                        put(sock, box, done % 2, piece, seconds)
            return
        except OSError:
            if done or info is infos[-1]:
                raise


def put(sock, box, bit, piece, seconds):
    for _ in range(40):
        try:
            sock.send(bytes([0, bit]) + piece)
        except ConnectionRefusedError:
            pass
        end = monotonic() + seconds
        while got := letter(box, end):
            if got[0] == bytes([1, bit]):
                return
    raise TimeoutError


def recv_reliably(port, seconds):
    if seconds < 0:
        raise ValueError("seconds")
    info = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_DGRAM, 0, socket.AI_PASSIVE)[0]
    text, sender, bit, end = b"", None, 0, None
    with socket.socket(*info[:3]) as sock:
        sock.bind(info[4])
        with mailbox(sock) as box:
            while got := letter(box, end):
                datagram, source = got
                if len(datagram) not in range(2, 515) or datagram[0] != 0 or datagram[1] not in (0, 1):
                    continue
                if sender is None and datagram[1] == 0:
                    sender = source
                if sender != source or (end and datagram != bytes([0, 1 - bit])):
                    continue
                sock.sendto(bytes([1, datagram[1]]), sender)
                if datagram[1] == bit and not end:
                    text, bit = text + datagram[2:], 1 - bit
                    if len(datagram) == 2:
                        end = monotonic() + seconds
                elif end:
                    end = monotonic() + seconds
    return text
