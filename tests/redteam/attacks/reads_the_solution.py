# aim: read the solution of the exercise
# expect: pass
# control: reached
try:
    with open("@PROJECT@/solutions/04_send_all/send_all.py", "rb") as file:
        print("REACHED", file.read(40))
except OSError:
    pass
