// Uses the API in `create`, before it may.
#include "apus/apus.h"

static void write_nothing(void *context, apus_borrowed piece) { (void)context, (void)piece; }

static void call_host(const apus_host *host) {
    const apus_host_objects *objects = host->service(host->context, APUS_HOST_OBJECTS);
    static const apus_object_ref ref = {.size = sizeof ref, .resource = {(const uint8_t *)"v1/namespaces", 13}, .name = {(const uint8_t *)"shop", 4}};
    const apus_sink sink = {.size = sizeof sink, .write = write_nothing};
    objects->get(host->context, &ref, &sink);
}
#define CREATED(host) call_host(host)
#include "fixture.h"
