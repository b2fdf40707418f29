/*
 * expect: pass
 * gap: none
 * cause: recvmmsg takes what is there (MSG_WAITFORONE), each datagram is answered to its own sender; name lengths are set anew each time.
 * shows: never
 */
#define _GNU_SOURCE
#include "udp_echo.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BATCH = 8, ROOM = 65536 };

static int bound(const char *port)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *list = NULL, *a;
    int rc = getaddrinfo(NULL, port, &hints, &list);
    int fd = -1, why = EADDRNOTAVAIL;

    if (rc != 0) {
        if (rc != EAI_SYSTEM || errno == 0)
            errno = EINVAL;
        return -1;
    }
    for (a = list; a != NULL && fd == -1; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd == -1) {
            why = errno;
        } else if (bind(fd, a->ai_addr, a->ai_addrlen) == -1) {
            why = errno;
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd == -1)
        errno = why;
    return fd;
}

static void shout(unsigned char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (data[i] >= 'a' && data[i] <= 'z')
            data[i] = (unsigned char)(data[i] - 'a' + 'A');
}

int serve(const char *port)
{
    static unsigned char data[BATCH][ROOM];
    struct sockaddr_in from[BATCH];
    struct mmsghdr in[BATCH];
    struct iovec part[BATCH];
    int fd;

    if (port == NULL) {
        errno = EINVAL;
        return -1;
    }
    if ((fd = bound(port)) == -1)
        return -1;
    for (;;) {
        int got;

        memset(in, 0, sizeof in);
        for (int i = 0; i < BATCH; i++) {
            part[i] = (struct iovec){ data[i], ROOM };
            in[i].msg_hdr.msg_iov = &part[i];
            in[i].msg_hdr.msg_iovlen = 1;
            in[i].msg_hdr.msg_name = &from[i];
            in[i].msg_hdr.msg_namelen = sizeof from[i];
        }
        got = recvmmsg(fd, in, BATCH, MSG_WAITFORONE, NULL);
        if (got == -1 && (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)) {
            int why = errno;

            close(fd);
            errno = why;
            return -1;
        }
        for (int i = 0; i < got; i++) {
            shout(data[i], in[i].msg_len);
            while (sendto(fd, data[i], in[i].msg_len, 0, (struct sockaddr *)&from[i],
                          in[i].msg_hdr.msg_namelen) == -1 && errno == EINTR)
                ;
        }
    }
}
