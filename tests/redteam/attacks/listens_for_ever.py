# aim: sit on a port for whoever comes next
# expect: pass
# control: none
import socket
for port in (22, 80, 443):
    with socket.socket() as sock:
        try:
            sock.bind(("127.0.0.1", port))
            print("REACHED", port)
        except OSError:
            pass
