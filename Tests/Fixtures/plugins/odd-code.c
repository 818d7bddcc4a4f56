// A runtime that refuses every call with a code that gRPC does not have.
#include "apus/apus.h"

static apus_status call(void *self, apus_borrowed method, apus_borrowed request, int64_t timeout_ms, int32_t *code, const apus_sink *answer) {
    (void)self, (void)method, (void)request, (void)timeout_ms, (void)answer;
    *code = 99;
    return APUS_FAULT;
}
static const apus_runtime runtime = {.size = sizeof runtime, .call = call};
#define EXTENSION APUS_RUNTIME
#define TABLE &runtime
#include "fixture.h"
