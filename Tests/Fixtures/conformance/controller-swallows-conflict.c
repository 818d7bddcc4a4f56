// A reconcile that takes a refused write for a done one.
#define RECONCILE reconcile
#include "apus/apus.h"
static apus_status reconcile(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error);
#include "controller.h"
static apus_status reconcile(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)again_after_ms, (void)error;
    int labelled = 0;
    apus_status status = is_labelled(self, key, &labelled);
    if (status == APUS_OK && !labelled) status = label(self, key);
    return status == APUS_NOT_FOUND || status == APUS_CONFLICT ? APUS_OK : status;
}
