#include <stddef.h>
#include <sys/types.h>

/* Read the pcap file at path into frames, which has room for size bytes: of each
   frame the time in nanoseconds (8 bytes), its length (4 bytes), both in network
   byte order, and its bytes.  Returns how many bytes that are, or -1 with errno
   set: EINVAL if the file is not pcap of link type 1 from its beginning to its
   end, EMSGSIZE if there is no room for all of it. */
ssize_t read_pcap(const char *path, unsigned char *frames, size_t size);

/* Write len bytes of frames, packed as above, to a pcap file at path, which may
   be there already.  Returns 0, or -1 with errno set: EINVAL if they are not
   packed so, a frame has more than 262144 bytes, or the seconds of a time do not
   fit into 32 bits. */
int write_pcap(const char *path, const unsigned char *frames, size_t len);
