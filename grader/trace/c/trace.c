/*
 * Records and crash notes of the learner's process.
 *
 * Nothing here may depend on what the learner's code does to its process: no
 * descriptor is needed to write a record, the memory is shared with the judge
 * and stays mapped, and no lock is held that a killed thread could keep.
 */
#define _GNU_SOURCE
#include "trace.h"
#include "clock.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

static unsigned char *memory;
static struct record nowhere;           /* written while no trace is attached */
static pid_t own_pid;
static __thread pid_t own_tid;
static __thread uintptr_t stood_for;

unsigned char *trace_memory(void)
{
    return memory;
}

uint32_t *trace_field(size_t offset)
{
    return memory ? (uint32_t *)(void *)(memory + offset) : NULL;
}

uint64_t trace_offset(uintptr_t address)
{
    uintptr_t base = (uintptr_t)__ehdr_start;

    return address > base && address < (uintptr_t)_end ? address - base : 0;
}

/* Wake the judge if it waits for an event. */
static void ring_doorbell(void)
{
    uint64_t one = 1;
    int doorbell;

    if (__atomic_load_n(trace_field(TRACE_AT_WAITING), __ATOMIC_SEQ_CST) == 0)
        return;
    memcpy(&doorbell, memory + TRACE_AT_DOORBELL, sizeof doorbell);
    if (__real_syscall(SYS_write, doorbell, &one, sizeof one) == -1)
        return;                 /* closed by the learner: the judge polls */
}

/* Let the judge read before its unread records are overwritten: how many a busy
   loop has written when it is ended would else be a matter of chance. */
static void await_reader(void)
{
    struct timespec nap = { 0, TRACE_NAP_NANOSECONDS };
    const uint64_t *next = (uint64_t *)(void *)(memory + TRACE_AT_NEXT);
    const uint64_t *read = (uint64_t *)(void *)(memory + TRACE_AT_READ);

    for (int naps = 0; naps < TRACE_NAPS; naps++) {
        if (__atomic_load_n(next, __ATOMIC_SEQ_CST) -
                __atomic_load_n(read, __ATOMIC_SEQ_CST) <
            TRACE_CAPACITY - TRACE_SPARE)
            return;
        ring_doorbell();
        __atomic_fetch_add(trace_field(TRACE_AT_READER_NAPS), 1, __ATOMIC_SEQ_CST);
        __real_syscall(SYS_nanosleep, &nap, NULL);
    }
}

void trace_stand_for(uintptr_t caller)
{
    stood_for = caller;
}

struct call trace_enter(int operation, uintptr_t caller, int fd,
                        int64_t a, int64_t b, int64_t c, int64_t d)
{
    struct call call = { &nowhere, NULL, errno, 0, 0, 0 };
    struct record *r;
    uint64_t index;

    if (!memory)
        return call;
    if (stood_for) {
        caller = stood_for;
        stood_for = 0;
    }
    await_reader();
    index = __atomic_fetch_add((uint64_t *)(void *)(memory + TRACE_AT_NEXT), 1,
                               __ATOMIC_SEQ_CST);
    r = (struct record *)(void *)(memory + TRACE_RECORDS +
                                  index % TRACE_CAPACITY * TRACE_RECORD_SIZE);
    __atomic_store_n(&r->state, TRACE_CLAIMED, __ATOMIC_SEQ_CST);
    if (own_tid == 0)
        own_tid = (pid_t)__real_syscall(SYS_gettid);
    r->operation = (uint16_t)operation;
    r->injected = 0;
    r->pid = own_pid;
    r->tid = own_tid;
    r->fd = fd;
    r->error = 0;
    r->args[0] = a;
    r->args[1] = b;
    r->args[2] = c;
    r->args[3] = d;
    r->result = 0;
    r->where = trace_offset(caller);
    r->entered = clock_time();
    r->left = 0;
    r->length = r->patience = r->states = 0;
    r->address_length = r->control_length = 0;
    call.record = r;
    call.stops = __atomic_load_n(trace_field(TRACE_AT_STOPS), __ATOMIC_SEQ_CST);
    frames_keep(index, caller);
    plan_consult(&call, operation, fd, a, b);
    __atomic_store_n(&r->state, TRACE_ENTERED, __ATOMIC_SEQ_CST);
    ring_doorbell();
    errno = call.saved_errno;
    return call;
}

/* Not memcpy: AddressSanitizer would judge it, and the real call is next. */
static void copy(unsigned char *to, const void *data, size_t length)
{
    for (size_t i = 0; data && i < length; i++)
        to[i] = ((const unsigned char *)data)[i];
}

void trace_keep(struct call *call, const void *data, size_t length)
{
    struct record *r = call->record;

    if (length > TRACE_PAYLOAD_SIZE)
        length = TRACE_PAYLOAD_SIZE;
    copy(r->payload, data, length);
    r->length = (uint32_t)length;
}

void trace_keep_address(struct call *call, const void *address, size_t length,
                        size_t room)
{
    struct record *r = call->record;

    if (!address)
        return;
    length = length < room ? length : room;
    length = length < TRACE_ADDRESS_SIZE ? length : TRACE_ADDRESS_SIZE;
    copy(r->address, address, length);
    r->address_length = (uint16_t)length;
}

void trace_keep_control(struct call *call, const struct msghdr *message)
{
    struct record *r = call->record;
    struct msghdr *m = (struct msghdr *)(uintptr_t)message; /* CMSG_NXTHDR's wish */
    const unsigned char *end = (unsigned char *)m->msg_control + m->msg_controllen;
    size_t have = 0;

    r->control_length = 0;
    if (m->msg_controllen > INT_MAX)
        return;                 /* was never set: the kernel refuses it */
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        uint32_t length = (uint32_t)(c->cmsg_len - CMSG_LEN(0)), kept = length;
        int32_t head[3] = { c->cmsg_level, c->cmsg_type, (int32_t)length };

        if (c->cmsg_len < CMSG_LEN(0) || have + sizeof head > TRACE_CONTROL_SIZE)
            break;
        if (kept > (size_t)(end - CMSG_DATA(c)))
            kept = (uint32_t)(end - CMSG_DATA(c));  /* it says more than there is */
        if (kept > TRACE_CONTROL_SIZE - have - sizeof head)
            kept = (uint32_t)(TRACE_CONTROL_SIZE - have - sizeof head);
        copy(r->control + have, head, sizeof head);
        copy(r->control + have + sizeof head, CMSG_DATA(c), kept);
        have += sizeof head + kept;
    }
    r->control_length = (uint16_t)have;
}

void trace_keep_list(struct call *call, const char *first, char *const list[])
{
    struct record *r = call->record;
    size_t room = sizeof *r - offsetof(struct record, payload), n = 0;
    unsigned char *kept = (unsigned char *)r + offsetof(struct record, payload);

    for (; first && *first && n < room; first++)
        kept[n++] = (unsigned char)*first;
    for (; list && *list && n < room; list++) {
        kept[n++] = 0;
        for (const char *text = *list; *text && n < room; text++)
            kept[n++] = (unsigned char)*text;
    }
    r->length = (uint32_t)n;
}

void trace_keep_paths(struct call *call, const char *first, const char *second)
{
    char *const list[] = { (char *)(uintptr_t)second, NULL };

    trace_keep_list(call, first, list);
}

int64_t trace_milliseconds(const struct timespec *limit)
{
    if (!limit)
        return -1;
    return (int64_t)limit->tv_sec * 1000 + (limit->tv_nsec + 999999) / 1000000;
}

/* Wait until the script lets held calls go on.  Waiting for the judge is the
   one place where the learner's process polls. */
static void wait_for_release(void)
{
    uint32_t mine = __atomic_add_fetch(trace_field(TRACE_AT_HELD), 1,
                                       __ATOMIC_SEQ_CST);

    ring_doorbell();
    while (__atomic_load_n(trace_field(TRACE_AT_RELEASED), __ATOMIC_SEQ_CST)
           < mine) {
        struct timespec pause = { 0, 100000 };

        __real_syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &pause, NULL);
    }
}

void trace_waits(struct call *call, uint64_t until, uint64_t start)
{
    struct record *r = call->record;

    if (r->state == TRACE_WAITING && r->left == until)
        return;
    r->patience = (uint32_t)((until - start + 999999) / 1000000);
    __atomic_store_n(&r->left, until, __ATOMIC_SEQ_CST);
    __atomic_store_n(&r->state, TRACE_WAITING, __ATOMIC_SEQ_CST);
    if (r != &nowhere)
        ring_doorbell();
}

int trace_goes_on(struct call *call, long result)
{
    uint32_t stops;

    if (result != -1 || errno != EINTR || !memory)
        return 0;
    stops = __atomic_load_n(trace_field(TRACE_AT_STOPS), __ATOMIC_SEQ_CST);
    if (stops == call->stops)
        return 0;
    call->stops = stops;
    return 1;
}

long trace_leave(struct call *call, long result)
{
    struct record *r = call->record;
    int error = errno;

    if (r == &nowhere)
        return result;
    if (call->fault && call->fault->kinds & TRACE_HOLD)
        wait_for_release();
    if (result == -1)
        error = trace_becomes(call, error);
    if (!call->has_become)
        r->injected &= (uint16_t)~TRACE_BECOMES;
    r->result = result;
    r->error = result == -1 ? error : 0;
    r->left = clock_time();
    __atomic_store_n(&r->state, TRACE_DONE, __ATOMIC_SEQ_CST);
    ring_doorbell();
    errno = error;
    return result;
}

int trace_is_socket(int fd)
{
    struct stat s;
    int saved_errno = errno;
    int yes = fstat(fd, &s) == 0 && S_ISSOCK(s.st_mode);

    errno = saved_errno;
    return yes;
}

/* --- crash and busy notes ------------------------------------------------ */

/* Note which frames of the module the stack holds, the interrupted instruction
   first.  The judge picks the one that lies in the learner's file. */
static void note_frames(const ucontext_t *context)
{
    uint64_t *noted = (uint64_t *)(void *)(memory + TRACE_FRAMES);
    void *frames[64];
    int n = backtrace(frames, 64);
    size_t kept = 0;
    uintptr_t at = 0;

#if defined __x86_64__
    at = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined __aarch64__
    at = (uintptr_t)context->uc_mcontext.pc;
#endif
    if (trace_offset(at))
        noted[kept++] = trace_offset(at);
    for (int i = 1; i < n && kept < TRACE_FRAME_LIMIT; i++)
        if (trace_offset((uintptr_t)frames[i] - 1))
            noted[kept++] = trace_offset((uintptr_t)frames[i] - 1);
}

/* SIGPROF: the processor-time budget of this call is used up. */
static void note_busy(int signal, siginfo_t *info, void *context)
{
    int saved_errno = errno;

    (void)info;
    memset(memory + TRACE_FRAMES, 0, TRACE_FRAME_LIMIT * sizeof(uint64_t));
    note_frames(context);
    *trace_field(TRACE_AT_NOTE) = (uint32_t)signal;
    *trace_field(TRACE_AT_NOTES) += 1;
    errno = saved_errno;
}

/* A fatal signal: note where, then die of it. */
static void note_crash(int signal, siginfo_t *info, void *context)
{
    (void)info;
    note_frames(context);
    *trace_field(TRACE_AT_NOTE) = (uint32_t)signal;
    raise(signal);              /* SA_RESETHAND: the default action now */
}

static void keep_report(const char *text)
{
    uint32_t *length = trace_field(TRACE_AT_REPORT_LENGTH);
    size_t room = TRACE_REPORT_SIZE - *length;
    size_t n = strlen(text);

    if (n > room)
        n = room;
    memcpy(memory + TRACE_HEADER_SIZE + *length, text, n);
    *length += (uint32_t)n;
}

void __asan_set_error_report_callback(void (*callback)(const char *))
    __attribute__((weak));

static void forget_thread(void)
{
    own_pid = getpid();
    own_tid = 0;
}

/* Runs before any constructor of the learner's: the runner has put the address
   of the mapping into the environment. */
__attribute__((constructor(101))) static void attach(void)
{
    const char *address = getenv("THIRTEEN_BYTES_TRACE");
    struct sigaction busy = { .sa_sigaction = note_busy,
                              .sa_flags = SA_SIGINFO | SA_RESTART };
    struct sigaction crash = { .sa_sigaction = note_crash,
                               .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND |
                                                 SA_NODEFER | SA_ONSTACK) };
    void *warm[2];

    if (!address)
        return;
    memory = (unsigned char *)strtoull(address, NULL, 16);
    setvbuf(stdout, NULL, _IOLBF, 0);   /* a killed program has printed, too */
    forget_thread();
    pthread_atfork(NULL, NULL, forget_thread);
    backtrace(warm, 2);         /* loads the unwinder outside of a handler */
    sigaction(SIGPROF, &busy, NULL);
    if (__asan_set_error_report_callback) {
        __asan_set_error_report_callback(keep_report);
        return;                 /* and AddressSanitizer sees to the signals */
    }
    sigaction(SIGSEGV, &crash, NULL);
    sigaction(SIGBUS, &crash, NULL);
    sigaction(SIGFPE, &crash, NULL);
    sigaction(SIGILL, &crash, NULL);
}
