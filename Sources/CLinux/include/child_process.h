// Children that have nothing of their parent's but what they are given. Calls answer -1 and set `errno` when they fail.
#ifndef APUS_CHILD_PROCESS_H
#define APUS_CHILD_PROCESS_H
#include <stdint.h>

/// Starts `executable` in a session of its own with `descriptors` as 3, 4, …, no other descriptor, standard streams that lead nowhere, and signals as a shell would give
/// them. Answers its process id.
int apus_child_start(const char *_Nonnull executable, char *_Nullable const *_Nonnull arguments, char *_Nullable const *_Nonnull environment,
                     const int *_Nonnull descriptors, int count);

/// Reaps a child of ours that ended, and ends what is left of its process group: its `waitpid` status, or -1. Does not block.
int apus_child_reap(int pid);

// What a plugin's child process may keep. It takes the rest from itself before `main`, while it has one thread: Linux keeps credentials per thread.
// The command line is `apus plugin-child NAME PARENT USER CAPABILITIES NETWORK FILES`, numbers in decimal, capabilities as a bit set.

/// Which step of that failed, or null: then this process is confined. Sets `errno`.
const char *_Nullable apus_child_unconfined(void);

// What a child leaves behind for the one who asks why it ended.
typedef struct apus_crash_record {
    uint32_t signal;
    uint32_t reserved;
    uint64_t baseline; // private writable memory before there was a plugin
    uint64_t data_bytes; // the same when it happened: what RLIMIT_DATA limits
} apus_crash_record;

/// From now on a signal that ends this process for a fault of its own is written there first.
void apus_crash_record_into(apus_crash_record *_Nonnull record);

/// Private writable memory of this process: what RLIMIT_DATA limits. Safe in a signal handler.
uint64_t apus_data_bytes(void);

/// Stacks of threads that are made from now on have `bytes`, where their maker says nothing.
int apus_default_stack(uint64_t bytes);

/// Limits the private writable memory of this process.
int apus_limit_data(uint64_t bytes);

#endif
