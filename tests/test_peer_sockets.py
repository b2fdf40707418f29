"""The sockets of a peer."""

from __future__ import annotations

import socket

from grader.peers.sockets import Sockets
from grader.processes.channel import Channel


def test_small_pieces_of_a_peer_leave_at_once() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours.detach())
    sockets = Sockets(channel)
    with theirs, socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        connection, _ = listener.accept()
        for name, kept in (("client", client), ("connection", connection), ("unix", socket.socket(socket.AF_UNIX))):
            sockets._keep(name, kept)
        assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        sockets.leave()
        channel.close()
