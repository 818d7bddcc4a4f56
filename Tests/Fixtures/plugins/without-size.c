// A reconcile that lends the host a structure without saying its size.
#include "apus/apus.h"

static const apus_host *the_host;
static void write_nothing(void *context, apus_borrowed piece) { (void)context, (void)piece; }
static apus_status ask(void *self, const apus_key *key, int64_t *again_after_ms, const apus_sink *error) {
    (void)self, (void)again_after_ms, (void)error;
    const apus_host_objects *objects = the_host->service(the_host->context, APUS_HOST_OBJECTS);
    apus_object_ref ref = {.resource = key->resource, .name = key->name};
    const apus_sink sink = {.size = sizeof sink, .write = write_nothing};
    return objects->get(the_host->context, &ref, &sink);
}
#define CREATED(host) the_host = (host)
#define RECONCILE ask
#include "fixture.h"
