"""The kernel's packet and raw sockets of this moment (proc(5), packet(7), raw(7))."""

from __future__ import annotations

from grader.processes.network import Network

#: Of a packet socket, where its line has the memory of what is unread, and the inode.
_UNREAD, _INODE = 6, 8
#: Of a raw one, where it has both queues, "sent:received", and the inode.
_QUEUES, _RAW_INODE = 4, 9


def with_unread(network: Network) -> set[int]:
    """The inodes of the sockets to which something has come that has not been received."""
    packet = {int(line[_INODE]) for line in network.rows("packet") if line[_UNREAD] != "0"}
    raw = [line for name in ("raw", "raw6") for line in network.rows(name)]
    return packet | {int(line[_RAW_INODE]) for line in raw if int(line[_QUEUES].rpartition(":")[2], 16)}
