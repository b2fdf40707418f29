# expect: fail
# gap: any-id
# cause: Only the first byte of the id is compared.
# shows: A stray has the first byte of the id.
import random
import socket
import struct
import time


def _timeval(seconds):
    micros = max(1, int(seconds * 1_000_000))
    return struct.pack("@ll", micros // 1_000_000, micros % 1_000_000)


def query(host, port, question, attempts, seconds):
    if attempts < 1:
        raise ValueError("attempts")
    if seconds < 0:
        raise ValueError("seconds")
    ident = random.getrandbits(16).to_bytes(2, "big")
    buffer = bytearray(1 << 16)
    view = memoryview(buffer)
    trouble = None
    for af, kind, proto, _, where in socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM):
        try:
            with socket.socket(af, kind, proto) as s:
                s.connect(where)
                for _ in range(attempts):
                    s.sendall(ident + question)
                    until = time.monotonic() + seconds
                    while (rest := until - time.monotonic()) > 0:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(rest))
                        try:
                            n = s.recv_into(buffer)
                        except BlockingIOError:
                            break
                        if n >= 2 and view[:1] == ident[:1]:
                            return bytes(view[2:n])
            trouble = TimeoutError("silence")
        except OSError as error:
            trouble = error
    raise trouble
