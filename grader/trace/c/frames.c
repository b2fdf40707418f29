/*
 * What a report shows of the learner's code beside a line: a copy of the frame
 * that a call was made from, the places its function was called at, and which
 * blocks of code ran last.  The judge decodes them, if a check has failed.
 *
 * The tracer, the glue and the learner's file keep their frame pointers, so a
 * frame is a pair of the caller's frame and a return address, as long as the
 * address lies in the module.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <pthread.h>

enum { CALLERS = 4, LARGEST = 1 << 20 };

struct frame {
    const struct frame *caller;
    uintptr_t returns_to;
};

struct snapshot {
    uint64_t owner;             /* one more than the index of a record */
    uint32_t length, padding;
    uint64_t frame, stack;      /* the frame pointer, and where its frame ends */
    uint32_t callers[CALLERS];  /* offsets in the module, 0 where there are no more */
    uint64_t copied[];          /* the lower part of the frame, and the upper one */
};

enum { WORDS = (TRACE_SNAPSHOT_SIZE - sizeof(struct snapshot)) / 8 / 2 * 2 };

_Static_assert(offsetof(struct snapshot, frame) == TRACE_SNAPSHOT_HEAD,
               "snapshot layout");

/* The frame of the wrapper that the learner's code has called; NULL if libc has
   called it, whose frames are not to be followed. */
static const struct frame *wrapper_called_at(uintptr_t place)
{
    const struct frame *frame = __builtin_frame_address(0);

    while (frame->returns_to - 1 != place) {
        if (trace_offset(frame->returns_to) == 0)
            return NULL;
        frame = frame->caller;
    }
    return frame;
}

static void note_callers(uint32_t *callers, const struct frame *frame)
{
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (uint32_t)trace_offset(frame->returns_to - 1);
        if (callers[i] == 0)
            return;
        frame = frame->caller;
    }
}

/* Keep the frame that a function of the tracer, whose own frame is given, was
   called from. */
static void keep(struct snapshot *s, uint64_t owner, const struct frame *called)
{
    const struct frame *frame = called->caller;
    const uint64_t *low = (const uint64_t *)(const void *)(called + 1);
    const uint64_t *high = (const uint64_t *)(const void *)frame;
    size_t words, upper;

    s->owner = 0;
    if (low > high || high - low > LARGEST)
        return;                 /* a program that has overwritten its frame */
    for (int i = 0; i < CALLERS; i++)
        s->callers[i] = 0;
    note_callers(s->callers, frame);
    words = (size_t)(high - low) < WORDS ? (size_t)(high - low) : WORDS;
    upper = words - words / 2;
    /* not memcpy: AddressSanitizer would judge it */
    for (size_t i = 0; i < words / 2; i++)
        s->copied[i] = low[i];
    for (size_t i = 0; i < upper; i++)
        s->copied[words / 2 + i] = (high - upper)[i];
    s->frame = (uint64_t)(uintptr_t)high;
    s->stack = (uint64_t)(uintptr_t)low;
    s->length = (uint32_t)(sizeof *s - TRACE_SNAPSHOT_HEAD + words * 8);
    s->owner = owner;
}

static struct snapshot *snapshot(uint64_t slot)
{
    return (struct snapshot *)(void *)(trace_memory() + TRACE_FIRST_SNAPSHOT +
                                       slot * TRACE_SNAPSHOT_SIZE);
}

void frames_keep(uint64_t index, uintptr_t place)
{
    struct snapshot *s = snapshot(index % TRACE_SNAPSHOTS);
    const struct frame *wrapper = wrapper_called_at(place);

    if (wrapper)
        keep(s, index + 1, wrapper);
    else
        s->owner = 0;
}

/* --- where a result was decided -------------------------------------------- */

/* Only the thread counts that functions of the contract are called in. */
static pthread_t runner;
static int is_running;

static int is_runner(void)
{
    return is_running && pthread_equal(runner, pthread_self());
}

static void stop_in_child(void)
{
    is_running = 0;
}

__attribute__((constructor(102))) static void begin(void)
{
    runner = pthread_self();
    is_running = trace_memory() != NULL;
    pthread_atfork(NULL, NULL, stop_in_child);
}

#define HOOK __attribute__((visibility("hidden")))
HOOK void __sanitizer_cov_trace_pc(void);
HOOK void __cyg_profile_func_enter(void *, void *);
HOOK void __cyg_profile_func_exit(void *, void *);

/* -fsanitize-coverage=trace-pc: called at the beginning of each block of the
   learner's code. */
void __sanitizer_cov_trace_pc(void)
{
    uint32_t *count, *blocks;

    if (!is_runner())
        return;
    count = trace_field(TRACE_AT_BLOCKS);
    blocks = trace_field(TRACE_BLOCKS);
    blocks[(*count)++ % TRACE_BLOCK_LIMIT] = (uint32_t)trace_offset(CALLER);
}

/* -finstrument-functions: called when a function of the learner's begins, and
   when it returns.  The last one to return is the contract's. */
void __cyg_profile_func_enter(void *function, void *place)
{
    (void)function;
    (void)place;
}

void __cyg_profile_func_exit(void *function, void *place)
{
    (void)function;
    (void)place;
    if (is_runner())
        keep(snapshot(TRACE_SNAPSHOTS), 1, __builtin_frame_address(0));
}
