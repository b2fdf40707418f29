# expect: pass
# gap: none
# cause: -
# shows: -
import enum
import socket

DIGITS = frozenset("0123456789")


class Family(enum.Enum):
    V4 = (4, socket.AF_INET, 4, "", "")
    V6 = (6, socket.AF_INET6, 16, "[", "]")

    def __init__(self, mark, family, width, before, after):
        self.mark, self.family, self.width = mark, family, width
        self.before, self.after = before, after

    def parse(self, host):
        inner = host.removeprefix(self.before).removesuffix(self.after)
        if self.before + inner + self.after != host:
            raise ValueError(f"brackets are missing: {host!r}")
        try:
            return socket.inet_pton(self.family, inner)
        except OSError as error:
            raise ValueError(f"not an address: {host!r}") from error


def pack_endpoint(text: str) -> bytes:
    host, colon, port = text.rpartition(":")
    if not (colon and port and DIGITS.issuperset(port)):
        raise ValueError(f"no port in {text!r}")
    try:
        number = int(port.lstrip("0")[:6] or "0").to_bytes(2, "big")
    except OverflowError:
        raise ValueError(f"port over 65535: {port!r}") from None
    family = Family.V6 if host.startswith("[") else Family.V4
    return bytes([family.mark]) + number + family.parse(host)


def unpack_endpoint(record: bytes) -> str:
    for family in Family:
        if record[:1] == bytes([family.mark]) and len(record) == 3 + family.width:
            address = socket.inet_ntop(family.family, record[3:])
            return f"{family.before}{address}{family.after}:{int.from_bytes(record[1:3], 'big')}"
    raise ValueError("not an endpoint record")
