// setgroups, setresuid
#define _GNU_SOURCE
#include "child_process.h"
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *failed_step = "this process was not started as a plugin's child";
static int failure;

const char *apus_child_unconfined(void) {
    errno = failure;
    return failed_step;
}

static int keep_capabilities(uint64_t kept) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    for (int half = 0; half < 2; half++) {
        // A host that lacks one of them cannot hand it on; the plugin will hear of it from the kernel.
        data[half].permitted &= (uint32_t)(kept >> (32 * half));
        data[half].effective = data[half].permitted;
        data[half].inheritable = 0;
    }
    return (int)syscall(SYS_capset, &header, data);
}

static void limit_bounding_set(uint64_t kept) {
    for (int capability = 0; capability < 64; capability++) {
        // Beyond the last one that the kernel knows it answers EINVAL; without CAP_SETPCAP there is nothing to lose.
        if (!(kept >> capability & 1)) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int become(uid_t user) {
    // A namespace with one user has no groups to give up.
    if (setgroups(0, NULL) != 0 && user != 0) return -1;
    if (setresgid(user, user, user) != 0) return -1;
    return setresuid(user, user, user);
}

static int limit(int resource, rlim_t value) { return setrlimit(resource, &(struct rlimit){value, value}); }

// Its host alone reads what this process writes, and whoever writes to nobody hears of it.
static int is_orphan(void) {
    struct pollfd output = {.fd = STDOUT_FILENO};
    return poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLNVAL)) != 0;
}

typedef struct orders {
    const char *name;
    uint64_t user, capabilities, files, processes, calls, own_root;
    char **paths;
    int path_count;
} orders;

enum { library = 4 };

static const char *confine(const orders *orders) {
    const char *failed;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "no_new_privs";
    if (apus_data_bytes_open() != 0) return "/proc/self/statm";
    if ((failed = apus_child_files(orders->name, orders->own_root != 0, library, orders->paths, orders->path_count)) != NULL) return failed;
    limit_bounding_set(orders->capabilities);
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return "keepcaps";
    if (become((uid_t)orders->user) != 0) return "another user";
    if (keep_capabilities(orders->capabilities) != 0) return "capabilities";
    if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0) return "keepcaps";
    if (limit(RLIMIT_CORE, 0) != 0) return "no core files";
    if (limit(RLIMIT_NOFILE, orders->files) != 0) return "open files";
    if (limit(RLIMIT_NPROC, orders->processes) != 0) return "processes";
    // Children of one user must not look into each other.
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return "not dumpable";
    // A change of credentials clears it, so it comes late; and the host may be gone by now.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return "end with the host";
    if (is_orphan()) _exit(0);
    return apus_child_calls((int)orders->calls) != 0 ? "system calls" : NULL;
}

static int read_numbers(char **words, uint64_t *const *numbers, int count) {
    for (int i = 0; i < count; i++) {
        char *end;
        errno = 0;
        *numbers[i] = strtoull(words[i], &end, 10);
        if (errno != 0 || *end != 0 || end == words[i]) return -1;
    }
    return 0;
}

__attribute__((constructor)) static void confine_plugin_child(int count, char **arguments, char **environment) {
    (void)environment;
    enum { numbers = 6, before = 3 };
    if (count < before + numbers || strcmp(arguments[1], "plugin-child") != 0) return;
    orders orders = {.name = arguments[2], .paths = arguments + before + numbers, .path_count = count - before - numbers};
    uint64_t *const targets[numbers] = {&orders.user, &orders.capabilities, &orders.files, &orders.processes, &orders.calls, &orders.own_root};
    errno = EINVAL;
    failed_step = read_numbers(arguments + before, targets, numbers) != 0 ? "the command line" : confine(&orders);
    failure = failed_step != NULL ? errno : 0;
}
