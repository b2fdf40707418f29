/* specimen: 12_thread_server c wrong
 * expect: fail
 * gap: shared-buffer
 * cause: The receive buffer is a variable of the file, and so one for all threads: what one thread has received is overwritten by another before it has been looked through.
 * shows: Two clients send at the same time; a thread is held in send() with lines left in the buffer while another receives.
 */
#include "thread_server.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE 1024

static char buffer[BUFFER_SIZE];
static unsigned long total;
static pthread_mutex_t total_lock = PTHREAD_MUTEX_INITIALIZER;

static int respond(int fd)
{
    char response[24];
    size_t at = 0, length;
    unsigned long number;

    pthread_mutex_lock(&total_lock);
    number = ++total;
    pthread_mutex_unlock(&total_lock);
    length = (size_t)snprintf(response, sizeof response, "%lu\n", number);
    while (at < length) {
        ssize_t n = send(fd, response + at, length - at, MSG_NOSIGNAL);
        if (n == -1) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        at += (size_t)n;
    }
    return 0;
}

static void *worker(void *arg)
{
    int fd = (int)(intptr_t)arg;

    for (;;) {
        ssize_t n = recv(fd, buffer, sizeof buffer, 0);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++)
            if (buffer[i] == '\n' && respond(fd) == -1)
                goto end;
    }
end:
    close(fd);
    return NULL;
}

static int make_server(const char *port)
{
    struct addrinfo hints, *list, *ai;
    int fd, on = 1, rc, saved = 0;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    rc = getaddrinfo(NULL, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    for (ai = list; ai != NULL; ai = ai->ai_next) {
        fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (fd == -1) {
            saved = errno;
            continue;
        }
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
            bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 30) == 0) {
            freeaddrinfo(list);
            return fd;
        }
        saved = errno;
        close(fd);
    }
    freeaddrinfo(list);
    errno = saved;
    return -1;
}

int serve(const char *port)
{
    int server = make_server(port), client, saved;
    pthread_t th;

    if (server == -1)
        return -1;
    for (;;) {
        client = accept(server, NULL, NULL);
        if (client == -1) {
            saved = errno;
            switch (saved) {
            case EBADF: case EINVAL: case ENOTSOCK: case EFAULT:
                close(server);
                errno = saved;
                return -1;
            case EINTR:
                continue;
            }
            nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
            continue;
        }
        if (pthread_create(&th, NULL, worker, (void *)(intptr_t)client) != 0)
            close(client);
        else
            pthread_detach(th);
    }
}
