# aim: list the machine's users
# expect: pass
# control: reached
try:
    with open("/etc/passwd", "rb") as file:
        print("REACHED", file.read(40))
except OSError:
    pass
