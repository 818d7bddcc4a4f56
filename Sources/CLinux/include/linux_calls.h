// Linux system calls that Swift's Glibc module leaves out. Every function answers -1 and sets `errno` when the call fails.
#ifndef APUS_LINUX_CALLS_H
#define APUS_LINUX_CALLS_H
#include <spawn.h>

/// Names the calling thread, for `top -H`: the first 15 bytes.
void apus_name_thread(const char *_Nonnull name);

/// A descriptor that becomes readable when the process ends.
int apus_pidfd_open(int pid);

/// Sends a signal to that very process, never to another that got its number later.
int apus_pidfd_signal(int descriptor, int number);

/// A descriptor that becomes readable when something appears in the directory. It does not block.
int apus_watch_directory(const char *_Nonnull path);

/// A pipe whose ends no child inherits: `ends[0]` reads, `ends[1]` writes.
int apus_pipe(int *_Nonnull ends);

/// A descriptor that becomes readable for good with `apus_event_signal`.
int apus_event_create(void);
int apus_event_signal(int descriptor);

/// Of what is open, a program that is started gets the descriptors below `first` and no others, whatever they say of themselves. Answers an error number.
int apus_spawn_closing_from(posix_spawn_file_actions_t *_Nonnull actions, int first);

/// Takes the file, which is open for writing, for as long as it is open anywhere. Answers -1 when somebody has it.
int apus_file_take(int descriptor);

/// Whether another has taken the file, which may be open for reading only. Does not take it, so that nobody who wants to is refused for a moment.
int apus_file_is_taken(int descriptor);

/// What `ps` and `top` show of the calling thread, and of the process where it is the first one: at most 15 bytes.
void apus_name_thread(const char *_Nonnull name);

int apus_mount(const char *_Nonnull source, const char *_Nonnull target, const char *_Nonnull type, const char *_Nonnull options);

/// Unmounts what is on top at `path`, also when it is in use. A last link is not followed.
int apus_unmount(const char *_Nonnull path);

/// Takes a bridge down and removes it.
int apus_remove_bridge(const char *_Nonnull name);

#endif
