"""A UDP server out of the standard library's workshop."""

import socket
import socketserver


class Capitals(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, server = self.request
        server.sendto(data.upper(), self.client_address)


class Server(socketserver.UDPServer):
    max_packet_size = 65507

    def handle_error(self, request, client_address) -> None:
        """An answer that cannot be sent is lost; nothing is printed."""


def serve(port: str) -> None:
    found = socket.getaddrinfo(None, port, socket.AF_INET, socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
    with Server(found[0][4], Capitals) as server:
        server.serve_forever(poll_interval=0.05)
