// memfd_create, MAP_FIXED_NOREPLACE
#define _GNU_SOURCE
#include "shared_memory.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

int apus_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }

static const int size_seals = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;

int apus_memory_seal_size(int descriptor) { return fcntl(descriptor, F_ADD_SEALS, size_seals); }

int apus_memory_seal_future_writes(int descriptor) { return fcntl(descriptor, F_ADD_SEALS, size_seals | F_SEAL_FUTURE_WRITE); }

void *apus_memory_map(int descriptor, uint64_t address, uint64_t length, int writable) {
    void *wanted = (void *)(uintptr_t)address;
    int flags = MAP_SHARED | (wanted != NULL ? MAP_FIXED_NOREPLACE : 0);
    void *got = mmap(wanted, length, writable ? PROT_READ | PROT_WRITE : PROT_READ, flags, descriptor, 0);
    if (got == MAP_FAILED) return NULL;
    // A kernel that does not know MAP_FIXED_NOREPLACE takes the address for a hint.
    if (wanted != NULL && got != wanted) {
        munmap(got, length);
        errno = EEXIST;
        return NULL;
    }
    return got;
}

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

uint32_t apus_word_spin(const uint32_t *word, uint32_t value, int64_t nanoseconds) {
    int64_t end = apus_monotonic_time() + nanoseconds;
    for (;;) {
        // Reading the clock costs as much as some looks at the word.
        for (int looks = 0; looks < 16; looks++) {
            uint32_t seen = apus_word_load(word);
            if (seen != value) return seen;
            relax();
        }
        if (apus_monotonic_time() >= end) return apus_word_load(word);
    }
}

int apus_word_wait(const uint32_t *word, uint32_t value, int64_t until) {
    struct timespec end = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
    // WAIT_BITSET takes a moment, where WAIT takes a duration.
    long status = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, until < 0 ? NULL : &end, NULL, FUTEX_BITSET_MATCH_ANY);
    return status == -1 && errno == ETIMEDOUT;
}

void apus_word_wake(const uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0); }

int64_t apus_monotonic_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
