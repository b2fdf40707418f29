/*
 * What the wrappers of the calls that move bytes share.
 *
 * A `limit` fault shortens what is asked for and makes the real call, so that
 * many bytes really move; datagrams are never cut.
 */
#ifndef STREAMS_H
#define STREAMS_H

#include <sys/uio.h>

#include "clock.h"

enum { IOV_KEPT = 64 };         /* parts of a shortened scatter/gather list */

/* Streams only: a shortened datagram would be another datagram. */
size_t streams_allowed(const struct call *call, int fd, size_t length);

/* What the kernel does with EPIPE: a signal, unless the call asked for none. */
void streams_broken_pipe(long result, int flags);

/* Bytes in all parts. */
size_t streams_total(const struct iovec *parts, size_t count);

/* Copy parts until limit bytes are covered; returns how many were used. */
size_t streams_shortened(struct iovec *copy, const struct iovec *parts,
                         size_t count, size_t limit);

/* Keep the first bytes of all parts, at most limit. */
void streams_keep(struct call *call, const struct iovec *parts, size_t count,
                  size_t limit);

/* What a receive of result bytes into room has left there: it is kept, after the
   plan has overwritten it.  MSG_TRUNC tells of more than there is room for. */
void streams_received(struct call *call, void *data, long result, size_t room);

#endif
