# aim: read another student's submission
# expect: pass
# control: reached
try:
    with open("@CANARY@/neighbour.py", "rb") as file:
        print("REACHED", file.read(40))
except OSError:
    pass
