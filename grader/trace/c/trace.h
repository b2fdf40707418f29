/*
 * The C half of the trace: what the wrappers share.
 *
 * Every socket call of the learner's object is linked to a wrapper
 * (ld --wrap), which writes a record, lets the fault plan have its say, makes
 * the real call and completes the record.  See layout.py for the format.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

#include "trace_layout.h"

struct record {
    uint32_t state;
    uint16_t operation;
    uint16_t injected;
    int32_t pid, tid;
    int32_t fd;
    int32_t error;
    int64_t args[4];
    int64_t result;
    uint64_t where;             /* offset in the module, 0 if unknown */
    uint64_t entered, left;     /* CLOCK_MONOTONIC, nanoseconds */
    uint32_t length;            /* bytes kept in payload */
    uint32_t patience;          /* of a wait on a held clock, milliseconds */
    uint32_t states;            /* a bit each */
    uint16_t address_length, control_length;
    unsigned char payload[TRACE_PAYLOAD_SIZE];
    unsigned char address[TRACE_ADDRESS_SIZE];
    unsigned char control[TRACE_CONTROL_SIZE];
};

struct fault {
    uint64_t operations[2];     /* a bit each */
    uint32_t kinds, states;     /* all of these states */
    int64_t retval, limit;
    uint32_t first, last, step;
    int32_t error, signal;
    uint32_t count, hits;
    uint32_t option;            /* of setsockopt and getsockopt; 0: any */
    uint32_t poke_length;
    unsigned char poke[TRACE_POKE_SIZE];
};

_Static_assert(sizeof(struct record) == TRACE_RECORD_SIZE, "record layout");
_Static_assert(sizeof(struct fault) == TRACE_FAULT_SIZE, "fault layout");

/* Whether an operation is one of a group (GROUP_ words). */
#define IS_ONE_OF(operation, group) \
    ((int)(((const uint64_t[2])group)[(operation) / 64] >> (operation) % 64 & 1))

/* One call under way: its record (never NULL) and what the plan does to it. */
struct call {
    struct record *record;
    struct fault *fault;        /* NULL: untouched */
    int saved_errno;
    uint32_t stops;             /* how often the script had stopped the program */
    int is_early;               /* the plan has its say when it is ready */
    int has_become;             /* the plan has put another error for its own */
};

/* The place in the learner's code that a wrapper was called from. */
#define CALLER ((uintptr_t)__builtin_return_address(0) - 1)

/* Where the learner's code has called stdio, while a wrapper of stdio passes the call
   on: it stands between the two on the stack.  0 else. */
extern __thread uintptr_t trace_stdio_caller;

/* Open a record.  Counts the call and looks it up in the fault plan. */
struct call trace_enter(int operation, uintptr_t caller, int fd,
                        int64_t a, int64_t b, int64_t c, int64_t d);

/* Let the plan choose what it does to a call.  Where that asks for a call that is
   ready, one that sleeps comes to it when it is (trace_is_ready). */
void plan_consult(struct call *call, int operation, int fd, int64_t a, int64_t b);

/* The wrapper that is called next stands for another one, which was called at that
   place; 0: for itself. */
void trace_stand_for(uintptr_t caller);

/* Not the wrapper: the tracer's own calls are none of the learner's. */
long __real_syscall(long, ...);

/* Keep up to sizeof payload bytes of data in the record. */
void trace_keep(struct call *call, const void *data, size_t length);

/* Keep a socket address; of one that the kernel has filled in, room is what there
   was for it, which may be less than its length. */
void trace_keep_address(struct call *call, const void *address, size_t length,
                        size_t room);

/* Keep the control messages of a message: level, type, length, data of each. */
void trace_keep_control(struct call *call, const struct msghdr *message);

/* Keep a string, and a list of more, which ends with NULL and may be NULL. */
void trace_keep_list(struct call *call, const char *first, char *const list[]);

/* Keep a path, or two (the second may be NULL). */
void trace_keep_paths(struct call *call, const char *first, const char *second);

/* Whether the plan answers this call itself: then *result is its answer and
   errno is set, and the real call is not made. */
int trace_answers(struct call *call, long *result);

/* What an early call waited for is there: the plan has its say.  Returns whether
   the call is to be made; else *result is its answer and errno is set. */
int trace_is_ready(struct call *call, long *result);

/* The states (STATE_ bits) of a call on fd, whose arguments are a and b. */
uint32_t states_of(int operation, int fd, int64_t a, int64_t b);

/* Note that fd listens: a wait is then one for clients, too. */
void states_listens(int fd);

/* An error that only a blocking call reports, EAGAIN of a time limit or EINTR of
   a connect: a call that asked not to block is left alone. */
void trace_spare_non_blocking(struct call *call, int fd, int flags, int error);

/* The number of bytes the plan lets through, at most length. */
size_t trace_limit(const struct call *call, size_t length);

/* A time limit as records hold it: in milliseconds, -1 for none. */
int64_t trace_milliseconds(const struct timespec *limit);

/* The time of a sleep: itself, or *shorter where the plan lets less of it pass. */
const struct timespec *trace_shortened(const struct call *call,
                                       const struct timespec *time,
                                       struct timespec *shorter);

/* Overwrite a result of length bytes as the plan says (`poke`). */
void trace_poke(const struct call *call, void *value, size_t length);

/* Whether a wait has failed with EINTR only because the script has stopped the
   program in it and let it go on: Linux ends some so, though no handler has run
   (signal(7)).  It is made again. */
int trace_goes_on(struct call *call, long result);

/* The error that a call reports, or what the plan has it become. */
int trace_becomes(struct call *call, int error);

/* Complete the record; returns result with errno as the real call left it. */
long trace_leave(struct call *call, long result);

/* Note that a call waits on the held clock, from its start until that moment,
   and that its first look has found nothing. */
void trace_waits(struct call *call, uint64_t until, uint64_t start);

/* Whether fd is a socket: only then are read, write and the like recorded. */
int trace_is_socket(int fd);

/* The header field at one of the TRACE_AT_ offsets; NULL while no trace is
   attached. */
uint32_t *trace_field(size_t offset);
unsigned char *trace_memory(void);

/* The offset of a code address in the learner's module; 0 outside of it. */
uint64_t trace_offset(uintptr_t address);

/* The rest of a wrapper: the real call, unless the plan answers it itself. */
#define RETURN_TRACED(call, real)                                             \
    do {                                                                      \
        long result_;                                                         \
                                                                              \
        if (!trace_answers(&(call), &result_))                                \
            result_ = (real);                                                 \
        return (int)trace_leave(&(call), result_);                            \
    } while (0)

/* Keep a copy of the frame that a call was made from, at that place, under the
   index of the call's record. */
void frames_keep(uint64_t index, uintptr_t place);

#endif
