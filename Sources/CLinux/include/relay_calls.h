// What relaying between sockets needs of Linux and Swift's Glibc module leaves out. Every function answers -1 and sets `errno` when the call fails.
#ifndef APUS_RELAY_CALLS_H
#define APUS_RELAY_CALLS_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// A set of descriptors to wait for. No child inherits it.
int apus_ready_create(void);

/// What became of a descriptor, by the number it was added with.
typedef struct apus_ready {
    uint64_t token;
    int failed; // it is connected no more, or never was
} apus_ready;

/// Tells when the descriptor can be read. Where it is in several sets, one of those that wait is told.
int apus_ready_add_source(int set, int descriptor, uint64_t token);

/// Tells once, each time that there is more to read than before, or more room to write: whoever is told goes on until EAGAIN.
int apus_ready_add_both(int set, int descriptor, uint64_t token);

int apus_ready_remove(int set, int descriptor);

/// How many are ready; at most `count`. Waits so many milliseconds, -1 for ever.
int apus_ready_wait(int set, apus_ready *_Nonnull ready, int count, int milliseconds);

/// A connection that somebody made, without blocking and not inherited, and who, as a `struct sockaddr` of at most `size` bytes.
int apus_accept(int listener, void *_Nonnull from, uint32_t *_Nonnull size);

/// A pipe that does not block and is not inherited: `ends[0]` reads, `ends[1]` writes.
int apus_relay_pipe(int *_Nonnull ends);

/// Moves bytes from a descriptor to another, one of which is a pipe, without a copy. 0 is the end of what there is to read.
ssize_t apus_splice(int from, int to, size_t count);

#endif
