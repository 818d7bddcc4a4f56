// A scheduler policy that asks the API while it filters: its slots may not block.
#include "apus/apus.h"

static const apus_host *the_host;
static void write_nothing(void *context, apus_borrowed piece) { (void)context, (void)piece; }

static apus_status prefilter(void *self, const apus_pod *pod, const apus_sink *reason) {
    (void)self, (void)pod, (void)reason;
    const apus_host_objects *objects = the_host->service(the_host->context, APUS_HOST_OBJECTS);
    static const apus_object_ref ref = {.size = sizeof ref, .resource = {(const uint8_t *)"v1/namespaces", 13}, .name = {(const uint8_t *)"shop", 4}};
    const apus_sink sink = {.size = sizeof sink, .write = write_nothing};
    return objects->fetch(the_host->context, &ref, &sink);
}
static const apus_scheduler_policy policy = {.size = sizeof policy, .prefilter = prefilter};
#define EXTENSION APUS_SCHEDULER_POLICY
#define TABLE &policy
#define CREATED(host) the_host = host
#include "fixture.h"
