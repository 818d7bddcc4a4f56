// A scheduler policy that lets in every Node, also the ones that another policy refused.
#include "apus/apus.h"

static apus_status filter(void *self, const apus_pod *pod, const apus_nodes *nodes, uint64_t *feasible, const apus_reasons *reasons, const apus_sink *error) {
    (void)self, (void)pod, (void)nodes, (void)reasons, (void)error;
    feasible[0] = ~(uint64_t)0;
    return APUS_OK;
}
static const apus_scheduler_policy policy = {.size = sizeof policy, .filter = filter};
#define EXTENSION APUS_SCHEDULER_POLICY
#define TABLE &policy
#include "fixture.h"
