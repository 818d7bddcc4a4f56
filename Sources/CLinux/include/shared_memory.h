// Memory that processes share, and the words in it that they wait on. Calls answer -1 and set `errno` when they fail.
#ifndef APUS_SHARED_MEMORY_H
#define APUS_SHARED_MEMORY_H
#include <stdint.h>

/// A file without a name, which takes seals. No program that is started inherits it.
int apus_memory_file(const char *_Nonnull name);

/// Nobody can make the file larger or smaller from now on, or seal it further.
int apus_memory_seal_size(int descriptor);

/// As `apus_memory_seal_size`, and nobody can write into the file except through mappings that exist.
int apus_memory_seal_future_writes(int descriptor);

/// Maps the whole of `length` bytes; null and `errno` when it fails. With an `address`, there or nowhere: EEXIST says that something else is there.
void *_Nullable apus_memory_map(int descriptor, uint64_t address, uint64_t length, int writable);

// One word in shared memory, which the other side may change at any time. Loads acquire, stores release; all are in one order.
static inline uint32_t apus_word_load(const uint32_t *_Nonnull word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
static inline void apus_word_store(uint32_t *_Nonnull word, uint32_t value) { __atomic_store_n(word, value, __ATOMIC_SEQ_CST); }
static inline uint32_t apus_word_exchange(uint32_t *_Nonnull word, uint32_t value) { return __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST); }

/// Looks at `word` until it is no longer `value` or the time is over, without giving up the processor. Returns what it saw last.
uint32_t apus_word_spin(const uint32_t *_Nonnull word, uint32_t value, int64_t nanoseconds);

/// Sleeps until somebody wakes `word`, unless it is no longer `value`. May return early. `until` is a time of CLOCK_MONOTONIC in nanoseconds, negative means for ever.
/// Returns whether the time is over.
int apus_word_wait(const uint32_t *_Nonnull word, uint32_t value, int64_t until);

/// Wakes everyone that sleeps on `word`, in any process.
void apus_word_wake(const uint32_t *_Nonnull word);

/// CLOCK_MONOTONIC in nanoseconds: the same in all processes.
int64_t apus_monotonic_time(void);

#endif
