"""All layers in one function, and a match for each of them."""

import socket
from array import array
from sys import byteorder


def peel(frame: bytes) -> list[str]:  # noqa: PLR0911, PLR0912, PLR0915 - every layer stands here
    if len(frame) < 14:
        return ["truncated"]
    view = memoryview(frame)
    lines = [f"ethernet {frame[6:12].hex(':')} > {frame[0:6].hex(':')}"]
    match frame[12], frame[13]:
        case 0x08, 0x00:
            ip = view[14:]
            if len(ip) < 20:
                return [*lines, "truncated"]
            size, total = (ip[0] & 15) << 2, ip[2] << 8 | ip[3]
            if ip[0] & 0xF0 != 0x40 or size < 20 or total < size:
                return [*lines, "malformed"]
            if size > len(ip):
                return [*lines, "truncated"]
            lines.append(f"ipv4 {socket.inet_ntoa(ip[12:16])} > {socket.inet_ntoa(ip[16:20])} ttl {ip[8]}")
            if wrong(ip[:size]):
                lines.append("checksum bad")
            protocol, room, body, pseudo = ip[9], total - size, ip[size:total], bytes(ip[12:20])
            is_later, is_first = bool((ip[6] & 31) << 8 | ip[7]), bool(ip[6] & 32)
        case 0x86, 0xDD:
            ip = view[14:]
            if len(ip) < 40:
                return [*lines, "truncated"]
            if ip[0] & 0xF0 != 0x60:
                return [*lines, "malformed"]
            names = [socket.inet_ntop(socket.AF_INET6, ip[at : at + 16]) for at in (8, 24)]
            lines.append(f"ipv6 {names[0]} > {names[1]} hop {ip[7]}")
            room, protocol, pseudo = ip[4] << 8 | ip[5], ip[6], bytes(ip[8:40])
            body, is_later, is_first = ip[40 : 40 + room], False, False
        case _:
            return [*lines, f"payload {len(frame) - 14}"]

    what = {6: "tcp", 17: "udp", 58 if len(pseudo) > 8 else 1: "icmp"}.get(protocol)
    skipped, end = 0, room
    if what and not is_later:
        least = 20 if what == "tcp" else 8
        if room < least:
            return [*lines, "malformed"]
        if len(body) < least:
            return [*lines, "truncated"]
        ports = f"{body[0] << 8 | body[1]} > {body[2] << 8 | body[3]}"
        skipped, summed, is_summed = least, room, not is_first
        match what:
            case "tcp":
                skipped = body[12] >> 4 << 2
                if skipped < 20 or skipped > room:
                    return [*lines, "malformed"]
                if skipped > len(body):
                    return [*lines, "truncated"]
                letters = [letter for bit, letter in enumerate("FSRPAUEC") if body[13] & 1 << bit]
                seq, ack = int.from_bytes(body[4:8], "big"), int.from_bytes(body[8:12], "big")
                lines.append(f"tcp {ports} flags {''.join(letters) or '-'} seq {seq} ack {ack}")
            case "udp":
                summed = body[4] << 8 | body[5]
                if summed < 8 or (summed > room and not is_first):
                    return [*lines, "malformed"]
                lines.append(f"udp {ports}")
                end = min(summed, room)
                is_summed = is_summed and (len(pseudo) > 8 or any(body[6:8]))
            case "icmp":
                lines.append(f"icmp type {body[0]} code {body[1]}")
        if is_summed and summed <= len(body):
            tail = bytes([0, protocol]) + summed.to_bytes(2, "big") if protocol != 1 else b""
            if wrong((pseudo + tail if tail else b"") + bytes(body[:summed])):
                lines.append("checksum bad")
    return [*lines, "truncated" if len(body) < room else f"payload {end - skipped}"]


def wrong(data):
    """Whether the words of data do not add up to ones: in either order of bytes (RFC 1071, 2)."""
    words = array("H", bytes(data) + b"\0" * (len(data) & 1))
    if byteorder == "little":
        words.byteswap()
    total = sum(words)
    while high := total >> 16:
        total = high + (total & 0xFFFF)
    return total != 0xFFFF
