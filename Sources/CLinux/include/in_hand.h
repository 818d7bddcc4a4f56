// What this process has in hand, in a file that outlives it: which slot of which plugin each thread is in, and which key a thread or a task works on.
//
// A note is a few plain stores into memory that is a file: no lock, no allocation, no system call. Before `apus_in_hand_open`, and while all places are taken, notes
// go nowhere. When a fault of its own ends the process, what the thread at fault had in hand is written to the head of the file, and why.
#ifndef APUS_IN_HAND_H
#define APUS_IN_HAND_H
#include <stddef.h>
#include <stdint.h>

enum {
    /// The texts of a key: part of the loop, group, version, resource, namespace, name, uid.
    APUS_IN_HAND_TEXTS = 7,
    /// All of them together; what does not fit is cut.
    APUS_IN_HAND_BYTES = 1000,
};

/// One key. A reference to it, which is never 0, never means a later one in the same place.
typedef struct apus_in_hand_key apus_in_hand_key;

/// What one thread is about. A cache line, so that threads do not disturb each other.
typedef struct apus_in_hand_thread {
    uint64_t key; // reference of the key it works on; 0: of none
    uint32_t call; // number of the plugin << 8 | index of the slot + 1; 0: in no plugin
    uint32_t thread; // as the system numbers it; 0: this place is free
    uint8_t reserved[48];
} apus_in_hand_thread;

/// Makes the file anew and notes into it from now on; fatal signals are caught from now on, and end the process as before. Answers -1 and sets `errno`
/// when there is no room for the file; signals are caught all the same. Call it on one thread; a process that notes already goes on with its first file.
int apus_in_hand_open(const char *_Nonnull path);

/// The number of a plugin for `apus_in_hand_enter`, the same each time; 0 when there are too many. Takes a lock: to be asked once.
uint32_t apus_in_hand_plugin(const char *_Nonnull name, const char *_Nonnull kind);

// Calls.

/// This thread's place, for the functions below.
apus_in_hand_thread *_Nullable apus_in_hand_thread_place(void);
extern _Thread_local apus_in_hand_thread *_Nullable apus_in_hand_mine;

static inline apus_in_hand_thread *_Nullable apus_in_hand_own(void) {
    apus_in_hand_thread *mine = apus_in_hand_mine;
    return __builtin_expect(mine != NULL, 1) ? mine : apus_in_hand_thread_place();
}

/// This thread goes into a slot, by its index. Answers what to `apus_in_hand_leave` to.
static inline uint32_t apus_in_hand_enter(uint32_t plugin, uint32_t slot) {
    apus_in_hand_thread *mine = apus_in_hand_own();
    if (mine == NULL) return 0;
    uint32_t before = mine->call;
    __atomic_store_n(&mine->call, plugin << 8 | ((slot + 1) & 0xff), __ATOMIC_RELAXED);
    return before;
}

static inline void apus_in_hand_leave(uint32_t before) {
    if (apus_in_hand_mine != NULL) __atomic_store_n(&apus_in_hand_mine->call, before, __ATOMIC_RELAXED);
}

// Keys. A key belongs to who took it until it is given back, by any thread, once.

/// Begins a key of `loop`, which is not 0; its texts follow with `apus_in_hand_add`, in their order. Null when there is no place.
apus_in_hand_key *_Nullable apus_in_hand_take(uint32_t loop);
void apus_in_hand_add(apus_in_hand_key *_Nonnull key, const void *_Nullable text, size_t count);
uint64_t apus_in_hand_reference(const apus_in_hand_key *_Nonnull key);
void apus_in_hand_give(apus_in_hand_key *_Nonnull key);

/// This thread works on that key from now on, or on none (0). Answers what it worked on before, to be held again afterwards.
static inline uint64_t apus_in_hand_hold(uint64_t reference) {
    apus_in_hand_thread *mine = apus_in_hand_own();
    if (mine == NULL) return 0;
    uint64_t before = mine->key;
    __atomic_store_n(&mine->key, reference, __ATOMIC_RELAXED);
    return before;
}

/// What this thread works on.
static inline uint64_t apus_in_hand_held(void) { return apus_in_hand_mine != NULL ? apus_in_hand_mine->key : 0; }

/// Which task-local value, a 64-bit reference, says what a task works on: looked at when a fault comes to a thread that holds no key.
void apus_in_hand_task_local(const void *_Nonnull task_local);

// Reading.

/// A key's texts, one behind the other.
typedef struct apus_in_hand_texts {
    uint32_t loop;
    uint16_t lengths[APUS_IN_HAND_TEXTS];
    uint16_t count;
} apus_in_hand_texts;

/// The key of this process that `reference` means; `bytes` has room for APUS_IN_HAND_BYTES. Answers -1 when it was given back.
int apus_in_hand_look(uint64_t reference, apus_in_hand_texts *_Nonnull texts, uint8_t *_Nonnull bytes);

/// How a process ended.
typedef struct apus_in_hand_end {
    uint32_t process;
    uint32_t signal; // that came to a thread of it; 0 when none did that can be caught
    uint32_t sender; // the process that sent it; 0 for a fault of its own
    uint32_t thread;
    uint64_t address; // that could not be used
    uint64_t instruction; // where it happened
    int32_t slot; // in hand at that moment; negative: in no plugin
    char plugin[64];
    char kind[32];
    char thread_name[20];
    apus_in_hand_texts key; // its loop is 0 where there was none; without a signal, the only one that was noted at all
} apus_in_hand_end;

/// Reads the file that an earlier process left; `bytes` has room for APUS_IN_HAND_BYTES. Answers -1 and sets `errno` when there is none that makes sense.
int apus_in_hand_read(const char *_Nonnull path, apus_in_hand_end *_Nonnull end, uint8_t *_Nonnull bytes);

#endif
