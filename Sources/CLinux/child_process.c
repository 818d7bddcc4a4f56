// posix_spawn_file_actions_addclosefrom_np
#define _GNU_SOURCE
#include "child_process.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { first = 3, most = 16 };

int apus_child_start(const char *executable, char *const *arguments, char *const *environment, const int *descriptors, int count) {
    if (count > most) return errno = EINVAL, -1;
    int copies[most], copied = 0, pid = -1;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    for (int standard = 0; standard < first; standard++) posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", O_RDWR, 0);
    int failed = 0;
    for (; copied < count; copied++) {
        // Out of the way of the numbers they will have: dup2 onto itself would leave close-on-exec set.
        copies[copied] = fcntl(descriptors[copied], F_DUPFD_CLOEXEC, first + most);
        if (copies[copied] < 0) {
            failed = errno;
            break;
        }
        posix_spawn_file_actions_adddup2(&actions, copies[copied], first + copied);
    }
    posix_spawn_file_actions_addclosefrom_np(&actions, first + count);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    if (failed == 0) failed = posix_spawn(&pid, executable, &actions, &attributes, arguments, environment);
    for (int i = 0; i < copied; i++) close(copies[i]);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0) return errno = failed, -1;
    return pid;
}

int apus_child_reap(int pid) {
    int status = 0;
    // What it started goes with it. Until it is reaped nobody else can have the group's number.
    siginfo_t ended = {0};
    if (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == pid) kill(-pid, SIGKILL);
    return waitpid(pid, &status, WNOHANG) == pid ? status : -1;
}
