// A proxy that carries nothing.
#include "apus/apus.h"

static apus_status sync(void *self, const apus_services *wanted, const apus_sink *error) {
    (void)self, (void)wanted, (void)error;
    return APUS_OK;
}
static apus_status cleanup(void *self, const apus_sink *error) {
    (void)self, (void)error;
    return APUS_OK;
}
static const apus_proxy proxy = {.size = sizeof proxy, .sync = sync, .cleanup = cleanup};
#define EXTENSION APUS_PROXY
#define TABLE &proxy
#include "fixture.h"
