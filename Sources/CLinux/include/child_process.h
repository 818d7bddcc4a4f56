// Children that have nothing of their parent's but what they are given. Calls answer -1 and set `errno` when they fail.
#ifndef APUS_CHILD_PROCESS_H
#define APUS_CHILD_PROCESS_H
#include <stdint.h>

/// What a child is started with.
typedef struct apus_child_plan {
    const char *_Nonnull executable;
    char *_Nullable const *_Nonnull arguments; // null after the last
    char *_Nullable const *_Nonnull environment; // the same
    const int *_Nonnull descriptors; // the child has them as 3, 4, …
    int descriptor_count;
    int output, errors; // its standard output and standard error
    const int *_Nonnull groups; // `cgroup.procs` files, open for writing: the control groups that it enters
    int group_count;
    int own_network; // whether it gets a network of its own, without an interface
    int own_users; // whether it gets a user namespace, in which its user is what this process's is outside: for a host that is not root
} apus_child_plan;

/// Starts a process in a session and in PID, mount, IPC, UTS and cgroup namespaces of its own, with no descriptor but those of the plan, a standard input that is empty, and
/// signals as a shell would give them. Answers its process id, and in `process` a descriptor of it, which the caller closes.
int apus_child_start(const apus_child_plan *_Nonnull plan, int *_Nonnull process);

// What a plugin's child process may keep. It takes the rest from itself before `main`, while it has one thread: Linux keeps credentials per thread.
//
// The command line is `apus plugin-child NAME USER CAPABILITIES FILES PROCESSES CALLS ROOT [PATH…]`, numbers in decimal: a user and group id, a bit set of capabilities, limits
// for open files and for processes of the user, one of the sets of system calls below, and whether the process gets a root of its own. That has the library, from
// descriptor 4, as `/plugin.so`, and of the host's files what the paths name, read-only: a shared object in `/lib`, unless it is loaded already, and a directory at its place.

// Sets of system calls. What is not in the set answers EPERM.
enum {
    APUS_CALLS_FEW, // memory, threads, time, signals, and input and output with descriptors
    APUS_CALLS_NETWORK, // the same, and sockets of the Internet and of the kernel
    APUS_CALLS_MOST, // all but those that reach into other processes, into the kernel, or into namespaces
};

/// Which step of that failed, or null: then this process is confined. Sets `errno`.
const char *_Nullable apus_child_unconfined(void);

// The steps, for one another.

/// Gives the process the file system that its command line says. Null, or what failed, with `errno`.
const char *_Nullable apus_child_files(const char *_Nonnull name, int own_root, int library, char *_Nullable const *_Nonnull paths, int count);

/// From now on, and in whatever this process starts, only the calls of the set answer.
int apus_child_calls(int set);

// What a child leaves behind for the one who asks why it ended.
typedef struct apus_crash_record {
    uint32_t signal;
    uint32_t sender; // the process that sent it, 1 for one that is not to be seen; 0 for a fault of its own
    uint32_t channel; // what the thread at fault had told `apus_crash_channel`; 0: nothing
    uint32_t reserved;
    uint64_t baseline; // private writable memory before there was a plugin
    uint64_t data_bytes; // the same when it happened: what RLIMIT_DATA limits
} apus_crash_record;

/// From now on a signal that ends this process is written there first. Process 1 of a PID namespace, which signals of its own cannot end, exits with 128 and the number.
void apus_crash_record_into(apus_crash_record *_Nonnull record);

/// This thread serves that channel, numbered from 1, for as long as it lives.
void apus_crash_channel(uint32_t number);

/// While `/proc` can be seen: opens what `apus_data_bytes` reads.
int apus_data_bytes_open(void);

/// Private writable memory of this process: what RLIMIT_DATA limits. Zero when it cannot be read. Safe in a signal handler.
uint64_t apus_data_bytes(void);

/// Stacks of threads that are made from now on have `bytes`, where their maker says nothing.
int apus_default_stack(uint64_t bytes);

/// Limits the private writable memory of this process.
int apus_limit_data(uint64_t bytes);

#endif
