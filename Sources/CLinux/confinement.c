// unshare, setgroups, setresuid
#define _GNU_SOURCE
#include "child_process.h"
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
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
    if (geteuid() != 0) return 0;
    if (setgroups(0, NULL) != 0 || setresgid(user, user, user) != 0) return -1;
    return setresuid(user, user, user);
}

static int limit(int resource, rlim_t value) { return setrlimit(resource, &(struct rlimit){value, value}); }

static const char *confine(pid_t parent, uid_t user, uint64_t capabilities, int network, rlim_t files) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "no_new_privs";
    // A host that may not make namespaces shares its own.
    if (!network) unshare(CLONE_NEWNET);
    limit_bounding_set(capabilities);
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return "keepcaps";
    if (become(user) != 0) return "another user";
    if (keep_capabilities(capabilities) != 0) return "capabilities";
    if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0) return "keepcaps";
    if (limit(RLIMIT_CORE, 0) != 0) return "no core files";
    if (limit(RLIMIT_NOFILE, files) != 0) return "open files";
    // Children of one user must not look into each other.
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return "not dumpable";
    // A change of credentials clears it, so it comes last; and the parent may be gone by now.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return "end with the parent";
    if (getppid() != parent) _exit(0);
    return NULL;
}

__attribute__((constructor)) static void confine_plugin_child(int count, char **arguments, char **environment) {
    (void)environment;
    if (count != 8 || strcmp(arguments[1], "plugin-child") != 0) return;
    uint64_t numbers[5];
    for (int i = 0; i < 5; i++) {
        char *end;
        errno = 0;
        numbers[i] = strtoull(arguments[3 + i], &end, 10);
        if (errno != 0 || *end != 0 || end == arguments[3 + i]) {
            failed_step = "the command line";
            failure = EINVAL;
            return;
        }
    }
    failed_step = confine((pid_t)numbers[0], (uid_t)numbers[1], numbers[2], numbers[3] != 0, numbers[4]);
    failure = failed_step != NULL ? errno : 0;
}
