#include <stddef.h>
#include <sys/types.h>

/* An endpoint record: family (1 byte, 4 or 6), port (2 bytes, network byte
   order), address (4 or 16 bytes). */

/* Turn text, "192.0.2.1:3490" or "[2001:db8::1]:3490", into a record; record
   has room for size bytes.  Returns the record's length, or -1 with errno set:
   EINVAL if text is neither, EMSGSIZE if the record does not fit. */
ssize_t pack_endpoint(const char *text, unsigned char *record, size_t size);

/* Turn the record of len bytes into text, which has room for size bytes, the
   zero at its end included.  Returns 0, or -1 with errno set: EINVAL if the
   family or len is wrong, EMSGSIZE if the text does not fit. */
int unpack_endpoint(const unsigned char *record, size_t len, char *text, size_t size);
