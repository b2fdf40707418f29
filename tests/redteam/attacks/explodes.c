/*
 * aim: fill the compiler's memory by macros
 * expect: build
 * control: none
 */
#define A(x) x x x x x x x x x x
#define B(x) A(A(A(x)))
#define C(x) B(B(B(x)))
const char *explosion = C("explosion");
