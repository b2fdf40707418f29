# aim: read how verdicts are found
# expect: pass
# control: reached
try:
    with open("@PROJECT@/grader/verdict/rule.py", "rb") as file:
        print("REACHED", file.read(40))
except OSError:
    pass
