// A runtime without a fault that is only begun: answers Version and Status. Each runtime-*.c beside it replaces one answer and so has exactly one defect.
#include "apus/apus.h"
#include <string.h>

// runtime.v1.VersionResponse: version, runtime_name, runtime_version, runtime_api_version.
#ifndef VERSION
#define VERSION "\x0a\x01" "1" "\x12\x07" "fixture" "\x1a\x01" "1" "\x22\x02" "v1"
#endif
// runtime.v1.StatusResponse: two conditions with their types.
#ifndef STATUS
#define STATUS "\x0a\x20" "\x0a\x0e" "\x0a\x0c" "RuntimeReady" "\x0a\x0e" "\x0a\x0c" "NetworkReady"
#endif
#ifndef REFUSAL
#define REFUSAL "there is no "
#endif
#ifndef NAMED
#define NAMED method
#endif

static apus_borrowed lend(const char *text) { return (apus_borrowed){(const uint8_t *)text, strlen(text)}; }
static int is(apus_borrowed method, const char *name) { return method.count == strlen(name) && memcmp(method.bytes, name, method.count) == 0; }

static apus_status call(void *self, apus_borrowed method, apus_borrowed request, int64_t timeout_ms, int32_t *code, const apus_sink *answer) {
    (void)self, (void)request, (void)timeout_ms;
    const char *response = is(method, "RuntimeService/Version") ? VERSION : is(method, "RuntimeService/Status") ? STATUS : NULL;
    answer->write(answer->context, lend(response ? response : REFUSAL));
    if (response) return APUS_OK;
    *code = APUS_CODE_UNIMPLEMENTED;
    answer->write(answer->context, NAMED);
    return APUS_UNSUPPORTED;
}

static const apus_runtime table = {.size = sizeof table, .call = call};
static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)host, (void)config, (void)error;
    *self = NULL;
    return APUS_OK;
}
static const apus_component component = {.size = sizeof component, .name = "fixture", .extension = APUS_RUNTIME, .table = &table, .create = create};
static const apus_component *const components[] = {&component};
static const apus_plugin plugin = {
    .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "fixture", .version = "1", .components = components, .component_count = 1,
};
const apus_plugin *apus_plugin_entry(void) { return &plugin; }
