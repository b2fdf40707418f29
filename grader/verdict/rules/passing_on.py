"""Lines that come out of a server as others than they went in."""

from __future__ import annotations

from collections.abc import Iterator

from grader.verdict.evidence import Evidence, Failure
from grader.verdict.rule import Finding, explains
from grader.verdict.talk import Talk
from grader.verdict.words import counted

_REPLACED = "\ufffd".encode()
#: What str.splitlines() takes for the end of a line, and bytes.splitlines() for some.
_OTHER_ENDS = (b"\r", b"\v", b"\f", b"\x1c", b"\x1d", b"\x1e", b"\x85")


@explains
def altered_line(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A line is trimmed, re-encoded or cut where no LF stands."""
    talk = evidence.wronged
    if failure.kind not in ("bytes", "hang") or talk is None or talk.owed.startswith(talk.came):
        return
    came, owed = _lines_at(talk)
    how = _alteration(owed, came)
    call = talk.sender_of(talk.differs_at)
    if how and call is not None:
        yield Finding(
            call.index, (),
            f"{evidence.place(call)} {call.name}() passes on a line of {counted(len(owed))} changed: {how}",
            (call,), "recv(2)",
        )  # fmt: skip


@explains
def inherited_beginning(evidence: Evidence, failure: Failure) -> Iterator[Finding]:
    """A line goes out with bytes before it that its sender has not said: what another
    client, who has left, had begun."""
    talk = evidence.wronged
    call = talk.sender_of(talk.differs_at) if failure.kind in ("bytes", "hang") and talk is not None else None
    if call is None:
        return
    sent, line = call.payload[: call.result], talk.owed.partition(b"\n")[0] + b"\n"
    before = len(sent) - len(line)
    if before > 0 and sent.endswith(line) and sent[:before] not in talk.owed and b"\n" not in sent[:before]:
        yield Finding(
            call.index, (),
            f"{evidence.place(call)} {call.name}() passes on a line with {counted(before)} before it that its client "
            "has not sent: they are left of another one",
            (call,), "recv(2)",
        )  # fmt: skip


def _lines_at(talk: Talk) -> tuple[bytes, bytes]:
    """The first line that differs, as it came and as it was owed."""
    start = talk.owed.rfind(b"\n", 0, talk.differs_at) + 1
    return tuple(data[start:].partition(b"\n")[0] + b"\n" for data in (talk.came, talk.owed))


def _alteration(owed: bytes, came: bytes) -> str:
    """What was done to a line, if that is plain; both end with an LF."""
    is_text, cut = _is_utf8(owed), owed[len(came) - 1 :][:1]
    causes = {
        "a CR was put before its LF": came == owed[:-1] + b"\r\n",
        "the CR before its LF is gone": owed.endswith(b"\r\n") and came[:-1] == owed[:-1].rstrip(b"\r"),
        "blanks at its edges are gone": came[:-1] in (owed.strip(), owed.rstrip(), owed[:-1].lstrip()),
        "bytes that are no UTF-8 have become ef bf bd, U+FFFD": _REPLACED in came and not is_text,
        "bytes that are no UTF-8 are gone": not is_text and came == owed.decode("utf-8", "ignore").encode(),
        "its bytes were decoded as Latin-1 and encoded as UTF-8": not is_text
        and came == owed.decode("latin-1").encode(),
        f"it ends at byte {len(came)}, {cut.hex()}, as if that were an LF": owed.startswith(came[:-1])
        and cut in _OTHER_ENDS,
    }
    return next((words for words, is_so in causes.items() if is_so), "")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
