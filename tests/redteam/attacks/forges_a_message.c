/*
 * aim: say through the compiler that all has passed
 * expect: pass
 * control: none
 */
#warning "\033[2J\033[H all passed"
