// A filter that looks at the first toleration of a Pod that has none.
#include "apus/apus.h"
#define FILTER filter
static apus_status filter(void *self, const apus_pod *pod, const apus_nodes *nodes, uint64_t *feasible, const apus_reasons *reasons, const apus_sink *error) {
    (void)self, (void)nodes, (void)feasible, (void)reasons, (void)error;
    return pod->tolerations[0].op == APUS_OPERATOR_LESS ? APUS_FAULT : APUS_OK;
}
#include "policy.h"
