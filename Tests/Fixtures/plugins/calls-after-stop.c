// Uses the API after it was stopped, when it is destroyed.
#include "apus/apus.h"

static const apus_host *the_host;
static void write_nothing(void *context, apus_borrowed piece) { (void)context, (void)piece; }

static void call_host(void *self) {
    (void)self;
    const apus_host_objects *objects = the_host->service(the_host->context, APUS_HOST_OBJECTS);
    static const apus_object_ref ref = {.size = sizeof ref, .resource = {(const uint8_t *)"v1/namespaces", 13}, .name = {(const uint8_t *)"shop", 4}};
    const apus_sink sink = {.size = sizeof sink, .write = write_nothing};
    objects->get(the_host->context, &ref, &sink);
}
#define CREATED(host) the_host = host
#define DESTROY call_host
#include "fixture.h"
