# aim: read what else its owner has put beside the file
# expect: pass
# control: reached
try:
    with open("@SUBMISSION@/notes.txt", "rb") as file:
        print("REACHED", file.read(40))
except OSError:
    pass
