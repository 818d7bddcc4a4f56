// Ends its process whenever the key in hand is named `poison`, by exit code for `exit`. With `slow` it is busy meanwhile.
#include "apus/apus.h"
static apus_status poisoned(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error);
#define RECONCILE poisoned
#include "fixture.h"
#include <unistd.h>

static apus_status poisoned(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    if (key->name.count == 6 && memcmp(key->name.bytes, "poison", 6) == 0) __builtin_trap();
    if (key->name.count == 4 && memcmp(key->name.bytes, "exit", 4) == 0) _exit(3);
    if (key->name.count == 4 && memcmp(key->name.bytes, "slow", 4) == 0) sleep(20);
    return reconcile(self, key, again_after_ms, error);
}
