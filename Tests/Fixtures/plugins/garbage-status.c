// Answers with a number that is no status.
#include "apus/apus.h"

static apus_status garbage(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)self, (void)key, (void)again_after_ms, (void)error;
    return 77;
}
#define RECONCILE garbage
#include "fixture.h"
