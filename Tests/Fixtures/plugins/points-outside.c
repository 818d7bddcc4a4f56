// A scheduler policy that gives the second Node 4000 points.
#include "apus/apus.h"

static apus_status score(void *self, const apus_pod *pod, const apus_nodes *nodes, const uint64_t *feasible, int32_t *points, const apus_sink *error) {
    (void)self, (void)pod, (void)feasible, (void)error;
    for (uint32_t node = 0; node < nodes->count; node++) points[node] = node == 1 ? 4000 : 100;
    return APUS_OK;
}
static const apus_scheduler_policy policy = {.size = sizeof policy, .score = score};
#define EXTENSION APUS_SCHEDULER_POLICY
#define TABLE &policy
#include "fixture.h"
