// accept4, pipe2, splice
#define _GNU_SOURCE
#include "relay_calls.h"
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most = 64 };

int apus_ready_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static int add(int set, int descriptor, uint64_t token, uint32_t events) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event);
}

int apus_ready_add_source(int set, int descriptor, uint64_t token) { return add(set, descriptor, token, EPOLLIN | EPOLLEXCLUSIVE); }

int apus_ready_add_both(int set, int descriptor, uint64_t token) { return add(set, descriptor, token, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET); }

int apus_ready_remove(int set, int descriptor) { return epoll_ctl(set, EPOLL_CTL_DEL, descriptor, NULL); }

int apus_ready_wait(int set, apus_ready *ready, int count, int milliseconds) {
    struct epoll_event events[most];
    int found = epoll_wait(set, events, count < most ? count : most, milliseconds);
    for (int i = 0; i < found; i++) {
        ready[i] = (apus_ready){.token = events[i].data.u64, .failed = (events[i].events & (EPOLLERR | EPOLLHUP)) != 0};
    }
    return found;
}

int apus_accept(int listener, void *from, uint32_t *size) { return accept4(listener, from, size, SOCK_NONBLOCK | SOCK_CLOEXEC); }

int apus_relay_pipe(int *ends) { return pipe2(ends, O_CLOEXEC | O_NONBLOCK); }

ssize_t apus_splice(int from, int to, size_t count) { return splice(from, NULL, to, NULL, count, SPLICE_F_NONBLOCK | SPLICE_F_MOVE); }
