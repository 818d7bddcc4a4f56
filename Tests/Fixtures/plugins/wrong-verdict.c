// A filter that refuses every Node, and gives a reason with a verdict that is none.
#include "apus/apus.h"

static apus_status filter(void *self, const apus_pod *pod, const apus_nodes *nodes, uint64_t *feasible, const apus_reasons *reasons, const apus_sink *error) {
    (void)self, (void)pod, (void)nodes, (void)error;
    if (reasons) reasons->add(reasons->context, feasible, APUS_RETRY, (apus_borrowed){(const uint8_t *)"no luck", 7}, 0);
    feasible[0] = 0;
    return APUS_OK;
}
static const apus_scheduler_policy policy = {.size = sizeof policy, .filter = filter};
#define EXTENSION APUS_SCHEDULER_POLICY
#define TABLE &policy
#include "fixture.h"
