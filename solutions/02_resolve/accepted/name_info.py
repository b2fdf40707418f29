"""Endpoints by getnameinfo(), of whatever types; those of streams are kept."""

import socket


def resolve(host, service):
    endpoints = []
    for family, kind, _, _, address in socket.getaddrinfo(host, service, flags=socket.AI_PASSIVE):
        if kind != socket.SOCK_STREAM:
            continue
        numbers = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
        name, port = socket.getnameinfo(address, numbers)
        if family == socket.AF_INET6:
            name = "[" + name + "]"
        if f"{name}:{port}" not in endpoints:
            endpoints.append(f"{name}:{port}")
    if not endpoints:
        raise socket.gaierror(socket.EAI_SERVICE, "no stream service of that name")
    return endpoints
