# aim: read the kit's own files
# expect: pass
# control: reached
try:
    with open("@PROJECT@/exercises/04_send_all/send_all.py", "rb") as file:
        print("REACHED", file.read(40))
except OSError:
    pass
