// gettid, REG_RIP, posix_fallocate
#define _GNU_SOURCE
#include "in_hand.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { threads = 512, keys = 1024, plugins = 512 };

static const uint64_t magic = UINT64_C(0x31646e6148736941);

/// A plugin, by the number that calls are noted with.
typedef struct plugin_name {
    char name[64];
    char kind[32];
    uint8_t reserved[32];
} plugin_name;

/// Its reference is serial << 32 | place + 1.
struct apus_in_hand_key {
    uint32_t serial;
    uint32_t loop; // whose key; 0: none
    uint16_t ends[APUS_IN_HAND_TEXTS]; // where each text ends
    uint16_t count; // of texts that are there
    uint8_t text[APUS_IN_HAND_BYTES];
};

/// The file. All zero is a process that has nothing in hand.
typedef struct in_hand {
    uint64_t magic;
    uint32_t process;
    uint32_t signal;
    uint32_t sender;
    uint32_t thread;
    uint64_t address;
    uint64_t instruction;
    uint64_t key;
    uint32_t call;
    char thread_name[20];
    uint8_t reserved[56];
    plugin_name plugins[plugins]; // by number - 1
    apus_in_hand_thread threads[threads];
    apus_in_hand_key keys[keys];
} in_hand;

_Static_assert(sizeof(apus_in_hand_thread) == 64 && sizeof(apus_in_hand_key) == 1024 && offsetof(in_hand, plugins) == 128, "layout");

_Thread_local apus_in_hand_thread *apus_in_hand_mine;

/// What a thread has of ours beside its place in the file.
typedef struct thread_state {
    apus_in_hand_key *spare; // taken, and given back to this thread: the next one costs no search
    void *stack;
    int is_known;
} thread_state;
static _Thread_local thread_state state;

static in_hand *record;
static pthread_key_t at_exit;
static const void *task_local;
static uint64_t taken_threads[threads / 64], taken_keys[keys / 64];

/// The first place that is free, or -1.
static int take_place(uint64_t *taken, int words) {
    for (int word = 0; word < words; word++) {
        uint64_t seen = __atomic_load_n(&taken[word], __ATOMIC_RELAXED);
        while (~seen != 0) {
            int bit = __builtin_ctzll(~seen);
            if (__atomic_compare_exchange_n(&taken[word], &seen, seen | UINT64_C(1) << bit, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return word * 64 + bit;
        }
    }
    return -1;
}

static void give_place(uint64_t *taken, long place) { __atomic_fetch_and(&taken[place / 64], ~(UINT64_C(1) << (place % 64)), __ATOMIC_RELEASE); }

// Faults.

static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGSYS};
enum { fault_count = sizeof faults / sizeof *faults };
static struct sigaction before[fault_count];

/// Where the value of a task-local is, of the task on this thread; null when it has none. Of the Swift runtime.
extern const void *swift_task_localValueGet(const void *key) __attribute__((weak));

static uint64_t instruction(const ucontext_t *context) {
#if defined(__x86_64__)
    return (uint64_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return context->uc_mcontext.pc;
#endif
}

static void caught(int number, siginfo_t *info, void *context) {
    int own = (int)getpid();
    int is_sent = info->si_code <= 0;
    uint32_t none = 0;
    // The first of several threads tells.
    if (record != NULL && __atomic_compare_exchange_n(&record->signal, &none, (uint32_t)number, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        record->thread = (uint32_t)syscall(SYS_gettid);
        prctl(PR_GET_NAME, record->thread_name, 0, 0, 0);
        record->instruction = instruction(context);
        if (!is_sent) record->address = (uint64_t)(uintptr_t)info->si_addr;
        if (is_sent && info->si_pid != own) {
            // It came to any thread, which is about something else.
            record->sender = (uint32_t)info->si_pid;
        } else {
            apus_in_hand_thread *mine = apus_in_hand_mine;
            if (mine != NULL) {
                record->call = mine->call;
                record->key = mine->key;
            }
            // Last, for it reads what the fault may have spoilt.
            if (record->key == 0 && task_local != NULL && swift_task_localValueGet != NULL) {
                const uint64_t *reference = swift_task_localValueGet(task_local);
                if (reference != NULL) record->key = *reference;
            }
        }
    }
    for (int i = 0; i < fault_count; i++)
        if (faults[i] == number) sigaction(number, &before[i], NULL);
    // A fault happens again when this returns; what was sent would not.
    if (is_sent) raise(number);
}

static void catch_faults(void) {
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    for (int i = 0; i < fault_count; i++) sigaction(faults[i], &action, &before[i]);
}

/// A stack for the handler, for a fault may be the end of the other one.
static void give_stack(void) {
    stack_t current;
    if (sigaltstack(NULL, &current) != 0 || !(current.ss_flags & SS_DISABLE)) return;
    size_t size = (size_t)sysconf(_SC_SIGSTKSZ);
    if (size < 32768 || size > 1 << 20) size = 32768;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return;
    if (sigaltstack(&(stack_t){.ss_sp = memory, .ss_size = size}, NULL) != 0) {
        munmap(memory, size);
        return;
    }
    state.stack = memory;
}

// Threads.

static void return_key(apus_in_hand_key *key) { give_place(taken_keys, key - record->keys); }

static void thread_ends(void *unused) {
    (void)unused;
    apus_in_hand_thread *mine = apus_in_hand_mine;
    apus_in_hand_mine = NULL;
    if (mine != NULL) {
        memset(mine, 0, sizeof *mine);
        give_place(taken_threads, mine - record->threads);
    }
    if (state.spare != NULL) return_key(state.spare);
    state.spare = NULL;
    if (state.stack != NULL) {
        stack_t given;
        if (sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, &given) == 0) munmap(state.stack, given.ss_size);
        state.stack = NULL;
    }
}

apus_in_hand_thread *apus_in_hand_thread_place(void) {
    if (record == NULL || state.is_known) return NULL;
    state.is_known = 1;
    give_stack();
    // Any value that is not null has the function above called.
    pthread_setspecific(at_exit, &state);
    int place = take_place(taken_threads, threads / 64);
    if (place < 0) return NULL;
    record->threads[place].thread = (uint32_t)syscall(SYS_gettid);
    return apus_in_hand_mine = &record->threads[place];
}

// The file.

int apus_in_hand_open(const char *path) {
    // Threads and keys have their places in the file that is open.
    if (record != NULL) return 0;
    // Another file, never the one before made empty: a process that still has it would end with SIGBUS.
    unlink(path);
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), reason = errno;
    void *memory = MAP_FAILED;
    if (descriptor >= 0) {
        // Room now, for there is no later answer than a signal.
        reason = posix_fallocate(descriptor, 0, sizeof(in_hand));
        if (reason == 0) {
            memory = mmap(NULL, sizeof(in_hand), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
            reason = errno;
        }
        close(descriptor);
    }
    if (memory != MAP_FAILED && pthread_key_create(&at_exit, thread_ends) == 0) {
        in_hand *made = memory;
        made->process = (uint32_t)getpid();
        made->magic = magic;
        __atomic_store_n(&record, made, __ATOMIC_RELEASE);
    }
    catch_faults();
    if (record != NULL) return 0;
    unlink(path);
    return errno = reason, -1;
}

uint32_t apus_in_hand_plugin(const char *name, const char *kind) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    if (record == NULL) return 0;
    uint32_t number = 0;
    pthread_mutex_lock(&lock);
    for (uint32_t i = 0; i < plugins && number == 0; i++) {
        plugin_name *plugin = &record->plugins[i];
        if (plugin->name[0] == 0) {
            strncpy(plugin->kind, kind, sizeof plugin->kind - 1);
            strncpy(plugin->name, name, sizeof plugin->name - 1);
        }
        if (strncmp(plugin->name, name, sizeof plugin->name - 1) == 0) number = i + 1;
    }
    pthread_mutex_unlock(&lock);
    return number;
}

// Keys.

apus_in_hand_key *apus_in_hand_take(uint32_t loop) {
    if (apus_in_hand_own() == NULL) return NULL;
    apus_in_hand_key *key = state.spare;
    if (key != NULL) {
        state.spare = NULL;
    } else {
        int place = take_place(taken_keys, keys / 64);
        if (place < 0) return NULL;
        key = &record->keys[place];
    }
    key->serial++;
    key->count = 0;
    key->loop = loop;
    return key;
}

void apus_in_hand_add(apus_in_hand_key *key, const void *text, size_t count) {
    if (key->count == APUS_IN_HAND_TEXTS) return;
    size_t start = key->count == 0 ? 0 : key->ends[key->count - 1];
    if (count > sizeof key->text - start) count = sizeof key->text - start;
    if (count != 0) memcpy(key->text + start, text, count);
    key->ends[key->count++] = (uint16_t)(start + count);
}

uint64_t apus_in_hand_reference(const apus_in_hand_key *key) { return (uint64_t)key->serial << 32 | (uint64_t)(key - record->keys + 1); }

void apus_in_hand_give(apus_in_hand_key *key) {
    key->loop = 0;
    // Another thread's gift, too: a task may end elsewhere than it began.
    if (apus_in_hand_own() != NULL && state.spare == NULL) state.spare = key;
    else return_key(key);
}

void apus_in_hand_task_local(const void *value) { task_local = value; }

// Reading.

static int look(const in_hand *from, uint64_t reference, apus_in_hand_texts *texts, uint8_t *bytes) {
    uint64_t place = (reference & UINT32_MAX) - 1;
    if (reference == 0 || place >= keys) return -1;
    const apus_in_hand_key *key = &from->keys[place];
    if (key->loop == 0 || key->serial != reference >> 32) return -1;
    *texts = (apus_in_hand_texts){.loop = key->loop};
    size_t start = 0;
    while (texts->count < key->count && texts->count < APUS_IN_HAND_TEXTS) {
        size_t end = key->ends[texts->count];
        if (end < start || end > sizeof key->text) break;
        texts->lengths[texts->count++] = (uint16_t)(end - start);
        start = end;
    }
    memcpy(bytes, key->text, start);
    return 0;
}

/// The reference of the only key that is noted; 0 when there are none or several.
static uint64_t only_key(const in_hand *from) {
    uint64_t found = 0;
    for (uint64_t place = 0; place < keys; place++) {
        if (from->keys[place].loop == 0) continue;
        if (found != 0) return 0;
        found = (uint64_t)from->keys[place].serial << 32 | (place + 1);
    }
    return found;
}

int apus_in_hand_look(uint64_t reference, apus_in_hand_texts *texts, uint8_t *bytes) {
    return record != NULL ? look(record, reference, texts, bytes) : -1;
}

int apus_in_hand_read(const char *path, apus_in_hand_end *end, uint8_t *bytes) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) return -1;
    struct stat status;
    const in_hand *from = MAP_FAILED;
    if (fstat(descriptor, &status) == 0 && status.st_size == sizeof(in_hand))
        from = mmap(NULL, sizeof(in_hand), PROT_READ, MAP_PRIVATE, descriptor, 0);
    close(descriptor);
    if (from == MAP_FAILED) return errno = EINVAL, -1;
    int is_ours = from->magic == magic;
    if (is_ours) {
        *end = (apus_in_hand_end){
            .process = from->process, .signal = from->signal, .sender = from->sender, .thread = from->thread,
            .address = from->address, .instruction = from->instruction, .slot = (int32_t)(from->call & 0xff) - 1,
        };
        memcpy(end->thread_name, from->thread_name, sizeof end->thread_name - 1);
        uint32_t number = from->call >> 8;
        if (number == 0 || number > plugins || end->slot < 0) {
            end->slot = -1;
        } else {
            memcpy(end->plugin, from->plugins[number - 1].name, sizeof end->plugin - 1);
            memcpy(end->kind, from->plugins[number - 1].kind, sizeof end->kind - 1);
        }
        look(from, from->signal != 0 ? from->key : only_key(from), &end->key, bytes);
    }
    munmap((void *)from, sizeof(in_hand));
    return is_ours ? 0 : (errno = EINVAL, -1);
}
