/* expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
#define _GNU_SOURCE
#include "udp_echo.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_server(const char *port)
{
    struct addrinfo hints, *found;
    int fd, rc, error = 0;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = AI_PASSIVE;
    rc = getaddrinfo(NULL, port, &hints, &found);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (fd == -1) {
        error = errno;
    } else if (bind(fd, found->ai_addr, found->ai_addrlen) == -1) {
        error = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    errno = error;
    return fd;
}

static int is_fatal(void)
{
    return errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT;
}

static int finish(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

static void shout(char *text, ssize_t len)
{
    ssize_t i;

    for (i = 0; i < len; i++)
        if (text[i] >= 'a' && text[i] <= 'z')
            text[i] -= 32;
}

enum { MANY = 4 };

static char rooms[MANY][65507];
static struct sockaddr_in from[MANY];

int serve(const char *port)
{
    struct mmsghdr messages[MANY];
    struct iovec parts[MANY];
    int fd = open_server(port), came, i;

    if (fd == -1)
        return -1;
    for (;;) {
        for (i = 0; i < MANY; i++) {
            parts[i].iov_base = rooms[i];
            parts[i].iov_len = sizeof rooms[i];
            memset(&messages[i], 0, sizeof messages[i]);
            messages[i].msg_hdr.msg_name = &from[i];
            messages[i].msg_hdr.msg_namelen = sizeof from[i];
            messages[i].msg_hdr.msg_iov = &parts[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        came = recvmmsg(fd, messages, MANY, MSG_WAITFORONE, NULL);
        if (came == -1) {
            if (is_fatal())
                return finish(fd);
            continue;
        }
        for (i = 0; i < came; i++) {
            parts[i].iov_len = messages[i].msg_len;
            shout(rooms[i], messages[i].msg_len);
            while (sendmsg(fd, &messages[i].msg_hdr, 0) == -1 && errno == EINTR)
                ;
        }
    }
}
