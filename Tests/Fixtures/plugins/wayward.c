// A scheduler policy that does with each Pod what its name says, and lets others pass. With `whims` in the Pod's name its permit does something else at each call, until it observes an
// object with `calm` in it.
#define _GNU_SOURCE
#include "apus/apus.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static int has(apus_borrowed text, const char *piece) { return text.count && memmem(text.bytes, text.count, piece, strlen(piece)) != 0; }
static apus_borrowed lend(const char *text) { return (apus_borrowed){(const uint8_t *)text, strlen(text)}; }
static void tell(const apus_sink *sink, const char *text) { sink->write(sink->context, lend(text)); }

static apus_status prefilter(void *self, const apus_pod *pod, const apus_sink *reason) {
    (void)self, (void)reason;
    if (has(pod->name, "crash-prefilter")) abort();
    return APUS_OK;
}

static apus_status filter(void *self, const apus_pod *pod, const apus_nodes *nodes, uint64_t *feasible, const apus_reasons *reasons, const apus_sink *error) {
    (void)self, (void)error;
    if (has(pod->name, "crash-filter")) abort();
    if (!has(pod->name, "refuse-all")) return APUS_OK;
    if (reasons) reasons->add(reasons->context, feasible, APUS_UNRESOLVABLE, lend("nobody may run"), 0);
    memset(feasible, 0, (nodes->count + 63) / 64 * sizeof *feasible);
    return APUS_OK;
}

static apus_status score(void *self, const apus_pod *pod, const apus_nodes *nodes, const uint64_t *feasible, int32_t *points, const apus_sink *error) {
    (void)self, (void)feasible, (void)error;
    if (has(pod->name, "crash-score")) abort();
    for (uint32_t node = 0; node < nodes->count; node++) points[node] = has(pod->name, "many-points") ? 101 : has(pod->name, "few-points") ? -1 : 7;
    return APUS_OK;
}

static apus_status explain(void *self, const apus_pod *pod, const apus_nodes *nodes, const uint64_t *feasible, const apus_parts *parts, const apus_sink *error) {
    (void)self, (void)nodes, (void)feasible, (void)parts, (void)error;
    if (has(pod->name, "crash-explain")) abort();
    return APUS_OK;
}

// What a Pod's name says holds for no other Pod.
static apus_status affected(void *self, const apus_pod *pod, const apus_nodes *nodes, int32_t answers, uint64_t *changed, const apus_sink *error) {
    (void)self, (void)answers, (void)error;
    if (has(pod->name, "crash-affected")) abort();
    for (uint32_t node = 0; node < nodes->count; node++) changed[node / 64] |= 1ull << (node % 64);
    return APUS_OK;
}

static atomic_int calls, is_calm;
static char last[64]; // the uid of the Pod that began to wait last, by whim
static uint64_t last_count;

static apus_status whim(const apus_pod *pod, int64_t *timeout_ms, const apus_waiting *others, const apus_sink *reason) {
    if (is_calm) return APUS_OK;
    const apus_borrowed other = {(const uint8_t *)last, last_count};
    switch (atomic_fetch_add(&calls, 1) % 11) {
    case 0: case 1: case 2:
        last_count = pod->uid.count < sizeof last ? pod->uid.count : 0;
        memcpy(last, pod->uid.bytes, last_count);
        *timeout_ms = 3000;
        return APUS_WAIT;
    case 3: tell(reason, "not today"); return APUS_UNSCHEDULABLE;
    case 4: others->allow(others->context, other); return APUS_OK;
    case 5: others->reject(others->context, other, lend("not you")); return APUS_OK;
    case 6: others->allow(others->context, other); others->reject(others->context, other, lend("too late")); *timeout_ms = 1; return APUS_WAIT;
    case 7: others->reject(others->context, lend("nobody"), lend("")); others->allow(others->context, pod->uid); *timeout_ms = 500; return APUS_WAIT;
    default: return APUS_OK;
    }
}

static apus_status permit(void *self, const apus_pod *pod, const apus_nodes *nodes, int32_t node, int64_t *timeout_ms, const apus_waiting *others, const apus_sink *reason) {
    (void)self;
    if (has(pod->name, "whims")) return whim(pod, timeout_ms, others, reason);
    if (has(pod->name, "crash-permit") || node < 0 || (uint32_t)node >= nodes->count) abort();
    if (has(pod->name, "wait-below-zero")) return *timeout_ms = -1, APUS_WAIT;
    if (has(pod->name, "wait-for-ever")) return *timeout_ms = INT64_MAX, tell(reason, "for the end of time"), APUS_WAIT;
    if (has(pod->name, "wait-a-second")) return *timeout_ms = 1500, APUS_WAIT;
    if (has(pod->name, "refused")) return tell(reason, "not today"), APUS_UNSCHEDULABLE;
    if (has(pod->name, "silent")) return APUS_UNRESOLVABLE;
    if (has(pod->name, "garbage")) return 77;
    if (has(pod->name, "crash-unreserve")) return tell(reason, "it crashes"), APUS_UNSCHEDULABLE;
    return APUS_OK;
}

static void unreserve(void *self, apus_borrowed uid, const apus_waiting *others) {
    (void)self, (void)others;
    if (has(uid, "crash-unreserve")) abort();
}

static void observe(void *self, apus_borrowed resource, apus_borrowed before, apus_borrowed after, const apus_waiting *waiting) {
    (void)self, (void)resource, (void)before, (void)waiting;
    if (has(after, "crash-observe")) abort();
    if (has(after, "calm")) is_calm = 1;
}

static const apus_scheduler_policy policy = {
    .size = sizeof policy, .prefilter = prefilter, .filter = filter, .score = score, .permit = permit, .unreserve = unreserve, .observe = observe,
    .explain = explain, .affected = affected,
};
#define EXTENSION APUS_SCHEDULER_POLICY
#define TABLE &policy
#include "fixture.h"
