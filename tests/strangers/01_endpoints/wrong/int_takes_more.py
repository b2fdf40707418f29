# expect: fail
# gap: unchecked-port
# cause: int() takes underscores and spaces around the digits, so 8_0 and a port after a space are packed.
# shows: A port written as "3_490" or with a space before or behind it.
import socket


def parse_port(text):
    if text[:1] in ("+", "-"):
        raise ValueError("a port has no sign")
    value = int(text)
    if not 0 <= value <= 65535:
        raise ValueError("port out of range")
    return value


def pack_endpoint(text: str) -> bytes:
    try:
        host, port = text.rsplit(":", 1)
        value = parse_port(port)
        if host[0] == "[" and host[-1] == "]":
            return b"\x06" + value.to_bytes(2, "big") + socket.inet_pton(socket.AF_INET6, host[1:-1])
        return b"\x04" + value.to_bytes(2, "big") + socket.inet_pton(socket.AF_INET, host)
    except (OSError, IndexError) as e:
        raise ValueError(f"not an endpoint: {text}") from e


def unpack_endpoint(record: bytes) -> str:
    family, expected, form = {
        b"\x04": (socket.AF_INET, 7, "%s:%d"),
        b"\x06": (socket.AF_INET6, 19, "[%s]:%d"),
    }.get(record[:1], (None, -1, ""))
    if len(record) != expected:
        raise ValueError("not a record")
    return form % (socket.inet_ntop(family, record[3:]), int.from_bytes(record[1:3], "big"))
