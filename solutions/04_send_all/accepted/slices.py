"""Send a whole buffer by slices of it."""


def send_all(sock, data):
    position = 0
    while position < len(data):
        position += sock.send(data[position : position + 4096])
