// Ends its process whenever the key in hand is named `poison`.
#include "apus/apus.h"
static apus_status poisoned(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error);
#define RECONCILE poisoned
#include "fixture.h"

static apus_status poisoned(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    if (key->name.count == 6 && memcmp(key->name.bytes, "poison", 6) == 0) __builtin_trap();
    return reconcile(self, key, again_after_ms, error);
}
