// Without a defect: a reconcile that asks to be called again before it does its work, every other time.
#define RECONCILE hesitate
#include "apus/apus.h"
#include <stdatomic.h>
static apus_status hesitate(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error);
#include "controller.h"
static apus_status hesitate(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)again_after_ms, (void)error;
    static atomic_uint calls;
    if (atomic_fetch_add(&calls, 1) % 2 == 0) return APUS_RETRY;
    int labelled = 0;
    apus_status status = is_labelled(self, key, &labelled);
    if (status == APUS_OK && !labelled) status = label(self, key);
    return status == APUS_NOT_FOUND ? APUS_OK : status;
}
