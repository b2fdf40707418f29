# aim: find out where it runs
# expect: pass
# control: reached
try:
    with open("/etc/hostname", "rb") as file:
        print("REACHED", file.read(40))
except OSError:
    pass
