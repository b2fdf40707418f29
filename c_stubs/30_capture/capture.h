/* Write the next count packets of TCP or UDP from or to that port, which pass the
   interface, to a pcap file at path.  Returns 0, or -1 with errno set: EINVAL if there
   is no such port or number of packets, ENODEV if there is no such interface. */
int capture(const char *interface, int port, int count, const char *path);
