/*
 * aim: nest without end
 * expect: build
 * control: none
 */
#include __FILE__
#include __FILE__
