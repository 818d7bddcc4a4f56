// pthread_setattr_default_np, SA_ONSTACK
#define _GNU_SOURCE
#include "child_process.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

static int statm = -1;

int apus_data_bytes_open(void) {
    statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    return statm < 0 ? -1 : 0;
}

uint64_t apus_data_bytes(void) {
    // size resident shared text lib data dt, in pages; `data` counts stacks, too.
    char text[128];
    ssize_t count = pread(statm, text, sizeof text, 0);
    uint64_t pages = 0;
    int field = 0;
    for (ssize_t i = 0; i < count && field < 6; i++) {
        if (text[i] == ' ') field++;
        else if (field == 5 && text[i] >= '0' && text[i] <= '9') pages = pages * 10 + (uint64_t)(text[i] - '0');
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static apus_crash_record *record;
static _Thread_local uint32_t channel;

void apus_crash_channel(uint32_t number) { channel = number; }

static void note(int number, siginfo_t *info, void *unused) {
    (void)unused;
    record->data_bytes = apus_data_bytes();
    if (info->si_code > 0 || info->si_pid == getpid()) record->channel = channel;
    // From outside of a PID namespace it comes from process 0.
    else record->sender = info->si_pid > 0 ? (uint32_t)info->si_pid : 1;
    record->signal = (uint32_t)number;
    // The action is the default one again: this ends the process, also when the signal was sent.
    raise(number);
    // Unless it is process 1.
    _exit(128 + number);
}

void apus_crash_record_into(apus_crash_record *into) {
    // Faults, and what people send.
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGSYS, SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    record = into;
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER | SA_ONSTACK};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}

int apus_default_stack(uint64_t bytes) {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return -1;
    int status = pthread_attr_setstacksize(&attributes, bytes);
    if (status == 0) status = pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
    return status == 0 ? 0 : -1;
}

int apus_limit_data(uint64_t bytes) { return setrlimit(RLIMIT_DATA, &(struct rlimit){bytes, bytes}); }
