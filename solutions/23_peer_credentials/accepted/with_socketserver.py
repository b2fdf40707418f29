"""On top of the library's UnixStreamServer; who may enter is its verify_request()."""

import errno
import os
import socket
import socketserver
import struct
import time
from collections import namedtuple

Peer = namedtuple("Peer", "pid uid gid")
UCRED = struct.Struct("=iII")


def peer_of(sock):
    peer = Peer(*UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)))
    if peer.uid == 2**32 - 1:
        raise OSError(errno.ENOTCONN, "no peer")
    return peer


class Door(socketserver.UnixStreamServer):
    request_queue_size = 16

    def __init__(self, path, allowed):
        super().__init__(path, None, bind_and_activate=False)
        self.allowed = frozenset(allowed)
        self.file = None

    def __enter__(self):
        try:
            self.server_bind()
            self.file = self.identity()
            os.chmod(self.server_address, 0o666)
            self.server_activate()
        except BaseException:
            self.server_close()
            raise
        return self

    def identity(self):
        found = os.lstat(self.server_address)
        return found.st_dev, found.st_ino

    def verify_request(self, request, client_address):
        try:
            return peer_of(request).uid in self.allowed
        except OSError:
            return False

    def get_request(self):
        try:
            connection, address = super().get_request()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                time.sleep(0.05)
            raise
        words = b"welcome\n" if self.verify_request(connection, address) else b"denied\n"
        try:
            connection.sendall(words)
        except OSError:
            pass
        return connection, address

    def process_request(self, request, client_address):
        self.shutdown_request(request)

    def handle_error(self, request, client_address):
        pass

    def server_close(self):
        if self.file is not None:
            try:
                if self.identity() == self.file:
                    os.remove(self.server_address)
            except FileNotFoundError:
                pass
        super().server_close()


def serve(path, allowed):
    if path == "" or path.find("\0") >= 0:
        raise ValueError(path)
    if len(os.fsencode(path)) >= 108:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    with Door(path, allowed) as door:
        door.serve_forever()
