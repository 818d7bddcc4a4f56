// A controller without a fault that tells, as the time after which it wants to be called again, how many times it was started.
#include "apus/apus.h"

static int starts;
static apus_status count(void *self, const apus_sink *error) { return (void)self, (void)error, starts++, APUS_OK; }
static apus_status tell(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    return (void)self, (void)key, (void)error, *again_after_ms = starts, APUS_OK;
}
#define RECONCILE tell
#define START count
#include "fixture.h"
