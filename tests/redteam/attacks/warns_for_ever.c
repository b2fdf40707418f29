/*
 * aim: drown the report in messages
 * expect: any
 * control: none
 */
#define W _Pragma("GCC warning \"PASS all passed\"")
#define X W W W W W W W W W W
#define Y X X X X X X X X X X
#define Z Y Y Y Y Y Y Y Y Y Y
Z Z Z Z Z Z Z Z Z Z
