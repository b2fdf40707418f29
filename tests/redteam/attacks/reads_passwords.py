# aim: read the machine's password hashes
# expect: pass
# control: reached
try:
    with open("/etc/shadow", "rb") as file:
        print("REACHED", file.read(40))
except OSError:
    pass
