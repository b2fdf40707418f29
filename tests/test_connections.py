"""Whether something of a TCP connection has not arrived yet."""

from __future__ import annotations

import os
import socket

import pytest

from grader.processes.connections import Connections
from grader.processes.network import Network


@pytest.fixture
def connections():
    network = Network()
    yield Connections(network)
    network.close()


@pytest.fixture
def pair():
    """Both ends of a connection: the one that sends, and the one that is slow to acknowledge."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = socket.create_connection(listener.getsockname())
        receiver, _ = listener.accept()
    receiver.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    with sender, receiver:
        yield sender, receiver


def test_bytes_that_are_not_acknowledged_have_arrived(connections, pair):
    sender, receiver = pair
    sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for piece in (b"two", b"small", b"pieces"):
        receiver.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        sender.sendall(piece)
        assert not connections.on_their_way([os.getpid()])


def test_bytes_that_the_kernel_keeps_back_are_on_their_way(connections, pair):
    sender, receiver = pair
    # the second small piece waits until the first is acknowledged: for 40 ms, which on
    # any machine one of many looks falls into
    for _ in range(100):
        receiver.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        sender.sendall(b"one")
        sender.sendall(b"another")
        if connections.on_their_way([os.getpid()]):
            break
    else:
        pytest.fail("no byte that is kept back has been noticed")
    sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # which lets them go
    assert not connections.on_their_way([os.getpid()])


def test_an_end_has_arrived_when_the_connection_knows_it(connections, pair):
    sender, receiver = pair
    sender.sendall(b"the last words")
    sender.shutdown(socket.SHUT_WR)
    assert receiver.recv(100) == b"the last words"
    assert receiver.recv(100) == b""
    assert not connections.on_their_way([os.getpid()])
