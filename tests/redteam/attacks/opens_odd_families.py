# aim: leave by a family of sockets that network namespaces do not part
# expect: pass
# control: none
import socket
for family in (40, 38, 15, 21, 31):
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
        print("REACHED", family)
    except OSError:
        pass
