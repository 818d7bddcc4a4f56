// Asks to be called again before now.
#include "apus/apus.h"

static apus_status early(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)self, (void)key, (void)error;
    *again_after_ms = -5;
    return APUS_OK;
}
#define RECONCILE early
#include "fixture.h"
