# aim: reach the machine's files by the launcher's root
# expect: pass
# control: none
try:
    with open("/proc/1/root/@PROJECT@/README.md", "rb") as file:
        print("REACHED", file.read(40))
except OSError:
    pass
