"""The kernel's tables of sockets say the same over sock_diag(7) and in proc(5)."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from grader.processes import datagram_table, tcp_table, unix_table
from grader.processes.network import Network


class Refused(Network):
    """A network whose kernel answers no question."""

    def all(self, question: bytes) -> Iterator[bytes]:
        raise OSError("refused")

    def one(self, question: bytes) -> bytes | None:
        raise OSError("refused")


def inode(sock: socket.socket) -> int:
    return os.fstat(sock.fileno()).st_ino


@pytest.fixture(params=[Network, Refused])
def network(request: pytest.FixtureRequest) -> Iterator[Network]:
    network = request.param()
    yield network
    network.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_datagram_lies_unread(network: Network, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as server, socket.socket(family, socket.SOCK_DGRAM) as client:
        server.bind((host, 0))
        port = server.getsockname()[1]

        def bound() -> list[datagram_table.Bound]:
            return [end for end in datagram_table.bound(network) if end.inode == inode(server)]

        assert bound() == [datagram_table.Bound(port, 0, False, inode(server))]
        client.sendto(b"", (host, port))
        assert bound() == [datagram_table.Bound(port, 0, True, inode(server))]
        server.recv(1)
        assert bound() == [datagram_table.Bound(port, 0, False, inode(server))]


def test_a_connection_has_two_ends(network: Network) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as server,
    ):
        client.sendall(b"four")
        table = {end.inode: end for end in tcp_table.ends(network)}
        ours, theirs = table[inode(client)], table[inode(server)]
        assert (ours.port, ours.other) == (theirs.other, theirs.port)
        assert (ours.unread, theirs.unread) == (0, 4)
        assert table[inode(listener)].state == tcp_table.LISTEN


def test_a_unix_socket_has_a_name_and_a_state(network: Network) -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind("")  # a name of the kernel's choice
        listener.listen()
        client.connect(listener.getsockname())
        told = unix_table.end(network, inode(listener))
        assert (told.type, told.state, told.name) == (
            socket.SOCK_STREAM, unix_table.LISTEN, listener.getsockname(),
        )  # fmt: skip
        assert unix_table.end(network, inode(client)).state == unix_table.ESTABLISHED
        assert told in unix_table.ends(network)
    assert unix_table.end(network, told.inode) is None


def test_the_ends_of_a_unix_connection_know_each_other() -> None:
    network = Network()
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind("")
        listener.listen()
        client.connect(listener.getsockname())
        client.sendall(b"four")
        in_the_backlog = unix_table.end(network, inode(client))
        assert (in_the_backlog.other, in_the_backlog.is_ended) == (0, False)
        server, _ = listener.accept()
        assert unix_table.end(network, inode(client)).other == inode(server)
        assert unix_table.end(network, inode(server)).unread == 4
        server.close()
        ended = unix_table.end(network, inode(client))
        assert (ended.other, ended.is_ended) == (0, True)
    network.close()
