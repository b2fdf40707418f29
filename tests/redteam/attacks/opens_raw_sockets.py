# aim: see and forge packets
# expect: pass
# control: reached
import socket
for family, kind in ((socket.AF_INET, socket.SOCK_RAW), (17, socket.SOCK_RAW)):
    try:
        socket.socket(family, kind, 1).close()
        print("REACHED", family)
    except OSError:
        pass
