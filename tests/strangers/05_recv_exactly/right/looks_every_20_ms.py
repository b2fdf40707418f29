# expect: pass
# gap: none
# cause: -
# shows: -
import select


def recv_exactly(sock, count):
    if count < 0:
        raise ValueError(f"{count} bytes cannot be received")
    parts = []
    while count:
        while not select.select([sock], [], [], 0.02)[0]:
            pass
        parts.append(sock.recv(min(count, 4096)))
        if not parts[-1]:
            raise EOFError(f"{count} bytes are missing")
        count -= len(parts[-1])
    return b"".join(parts)
