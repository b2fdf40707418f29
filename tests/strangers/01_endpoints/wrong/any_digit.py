# expect: fail
# gap: unchecked-port
# cause: str.isdigit() and int() take every script's digits, not just 0 to 9: a port in Arabic or full-width digits passes.
# shows: A port in digits other than ASCII's.
import socket


def _port(text):
    if not text.isdigit():
        raise ValueError(f"not a port: {text!r}")
    value = int(text)
    if value > 0xFFFF:
        raise ValueError(f"not a port: {text!r}")
    return value.to_bytes(2, "big")


def pack_endpoint(text: str) -> bytes:
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError("no port")
    if host.startswith("[") and host.endswith("]"):
        family, mark, host = socket.AF_INET6, b"\x06", host[1:-1]
    else:
        family, mark = socket.AF_INET, b"\x04"
    try:
        address = socket.inet_pton(family, host)
    except (OSError, UnicodeError):
        raise ValueError(f"not an address: {host!r}") from None
    return mark + _port(port) + address


def unpack_endpoint(record: bytes) -> str:
    port = int.from_bytes(record[1:3], "big")
    match (record[:1], len(record)):
        case (b"\x04", 7):
            return f"{socket.inet_ntop(socket.AF_INET, record[3:])}:{port}"
        case (b"\x06", 19):
            return f"[{socket.inet_ntop(socket.AF_INET6, record[3:])}]:{port}"
    raise ValueError("not a record")
