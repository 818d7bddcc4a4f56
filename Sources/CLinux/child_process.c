// clone
#define _GNU_SOURCE
#include "child_process.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { first = 3, most = 16, stack_bytes = 64 << 10 };

typedef struct start {
    const apus_child_plan *plan;
    unsigned user, group; // outside of a user namespace
    int failure;
} start;

static int write_file(const char *path, const char *text) {
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return -1;
    ssize_t written = write(descriptor, text, strlen(text));
    int failed = errno;
    close(descriptor);
    errno = failed;
    return written < 0 ? -1 : 0;
}

static int map_users(const start *start) {
    char line[64];
    if (write_file("/proc/self/setgroups", "deny") != 0 && errno != ENOENT) return -1;
    snprintf(line, sizeof line, "0 %u 1", start->user);
    if (write_file("/proc/self/uid_map", line) != 0) return -1;
    snprintf(line, sizeof line, "0 %u 1", start->group);
    return write_file("/proc/self/gid_map", line);
}

static int take_descriptors(const apus_child_plan *plan) {
    int count = first + plan->descriptor_count, copies[first + most];
    int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < count; i++) {
        int source = i == 0 ? empty : i == 1 ? plan->output : i == 2 ? plan->errors : plan->descriptors[i - first];
        // Out of the way of the numbers they will have.
        copies[i] = fcntl(source, F_DUPFD_CLOEXEC, first + most);
        if (copies[i] < 0) return -1;
    }
    for (int i = 0; i < count; i++) {
        if (dup2(copies[i], i) < 0) return -1;
    }
    return (int)syscall(SYS_close_range, count, ~0U, 0);
}

// Runs in the host's memory while the thread that started it waits: it changes nothing there but `failure`.
static int become_child(void *argument) {
    start *start = argument;
    const apus_child_plan *plan = start->plan;
    // The C library keeps two for itself and refuses them.
    for (int number = 1; number < _NSIG; number++) signal(number, SIG_DFL);
    setsid();
    int failed = plan->own_users ? map_users(start) : 0;
    // Zero is whoever writes it.
    for (int i = 0; i < plan->group_count && failed == 0; i++) failed = write(plan->groups[i], "0", 1) == 1 ? 0 : -1;
    if (failed == 0) failed = take_descriptors(plan);
    if (failed == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(plan->executable, plan->arguments, plan->environment);
    }
    start->failure = errno;
    _exit(127);
}

int apus_child_start(const apus_child_plan *plan, int *process) {
    if (plan->descriptor_count > most) return errno = EINVAL, -1;
    start start = {.plan = plan, .user = geteuid(), .group = getegid()};
    char *stack = mmap(NULL, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -1;
    int flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_PIDFD | SIGCHLD;
    if (plan->own_network) flags |= CLONE_NEWNET;
    if (plan->own_users) flags |= CLONE_NEWUSER;
    // No handler of this process may run in the child, which has this memory: as with posix_spawn.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int pid = clone(become_child, stack + stack_bytes, CLONE_VM | CLONE_VFORK | flags, &start, process);
    int failed = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, stack_bytes);
    if (pid >= 0 && start.failure == 0) return pid;
    if (pid >= 0) {
        failed = start.failure;
        waitpid(pid, NULL, 0);
        close(*process);
    }
    return errno = failed, -1;
}
