# aim: read the gaps of the exercise
# expect: pass
# control: reached
try:
    with open("@PROJECT@/exercises/04_send_all/exercise.toml", "rb") as file:
        print("REACHED", file.read(40))
except OSError:
    pass
