// A runtime that tells of a change while it is stopped, as it may, and after that, when it is destroyed.
#include "apus/apus.h"

static const apus_runtime_events *the_events;

static apus_status call(void *self, apus_borrowed method, apus_borrowed request, int64_t timeout_ms, int32_t *code, const apus_sink *answer) {
    (void)self, (void)method, (void)request, (void)timeout_ms, (void)code, (void)answer;
    return APUS_OK;
}
static apus_status subscribe(void *self, const apus_runtime_events *events, int32_t *reliable) {
    (void)self, (void)reliable;
    the_events = events;
    events->changed(events->context, (apus_borrowed){0}, (apus_borrowed){0});
    return APUS_OK;
}
static void tell(void *self) {
    (void)self;
    if (the_events) the_events->changed(the_events->context, (apus_borrowed){0}, (apus_borrowed){0});
}
static const apus_runtime runtime = {.size = sizeof runtime, .call = call, .subscribe = subscribe};
#define EXTENSION APUS_RUNTIME
#define TABLE &runtime
#define STOP tell
#define DESTROY tell
#include "fixture.h"
