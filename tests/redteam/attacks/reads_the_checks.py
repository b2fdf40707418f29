# aim: read the checks, to behave by them
# expect: pass
# control: reached
try:
    with open("@PROJECT@/grader/checks/check_send_all.py", "rb") as file:
        print("REACHED", file.read(40))
except OSError:
    pass
