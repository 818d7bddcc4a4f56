// A scheduler policy that orders the queue by the Pods' names, and does before a bind what their names say.
#define _GNU_SOURCE
#include "apus/apus.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const apus_host *the_host;
static atomic_int has_unreserved;

static int has(apus_borrowed text, const char *piece) { return text.count && memmem(text.bytes, text.count, piece, strlen(piece)) != 0; }
static apus_borrowed lend(const char *text) { return (apus_borrowed){(const uint8_t *)text, strlen(text)}; }
static void tell(const apus_sink *sink, const char *text) { sink->write(sink->context, lend(text)); }
static void write_nothing(void *context, apus_borrowed piece) { (void)context, (void)piece; }

static apus_status less(void *self, const apus_queued_pod *left, const apus_queued_pod *right, int32_t *is_less, const apus_sink *error) {
    (void)self;
    if (has(left->name, "crash-less") || has(right->name, "crash-less")) abort();
    if (has(left->name, "broken-less") || has(right->name, "broken-less")) return tell(error, "it broke"), APUS_FAULT;
    if (has(left->name, "odd-less") || has(right->name, "odd-less")) return *is_less = 7, APUS_OK;
    const uint64_t shorter = left->name.count < right->name.count ? left->name.count : right->name.count;
    const int order = memcmp(left->name.bytes, right->name.bytes, shorter);
    *is_less = order < 0 || (order == 0 && left->name.count < right->name.count);
    return APUS_OK;
}

static apus_status prebind(void *self, const apus_queued_pod *pod, apus_borrowed node, const apus_sink *reason) {
    (void)self;
    if (has(pod->name, "crash-prebind") || !node.count || !has(pod->json, "containers")) abort();
    if (has(pod->name, "refused")) return tell(reason, "not today"), APUS_UNSCHEDULABLE;
    if (has(pod->name, "silent")) return APUS_UNRESOLVABLE;
    if (has(pod->name, "broken")) return tell(reason, "it broke"), APUS_FAULT;
    // For as long as the Pod has its Node.
    if (has(pod->name, "hangs")) while (!has_unreserved) usleep(1000);
    if (has(pod->name, "asks")) {
        const apus_host_objects *objects = the_host->service(the_host->context, APUS_HOST_OBJECTS);
        static const apus_object_ref ref = {.size = sizeof ref, .resource = {(const uint8_t *)"v1/namespaces", 13}, .name = {(const uint8_t *)"shop", 4}};
        const apus_sink sink = {.size = sizeof sink, .write = write_nothing};
        if (objects->fetch(the_host->context, &ref, &sink) == APUS_INVALID) return tell(reason, "it may not ask"), APUS_INVALID;
    }
    return APUS_OK;
}

static void unreserve(void *self, apus_borrowed uid, const apus_waiting *others) {
    (void)self, (void)others;
    // One library serves many tests at once.
    if (has(uid, "hangs")) has_unreserved = 1;
}

static const apus_scheduler_policy policy = {.size = sizeof policy, .less = less, .prebind = prebind, .unreserve = unreserve};
#define EXTENSION APUS_SCHEDULER_POLICY
#define TABLE &policy
#define CREATED(host) the_host = host
#include "fixture.h"
