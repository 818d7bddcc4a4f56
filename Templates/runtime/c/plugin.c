// {{NAME}}: a container runtime in C. Answers Version and Status, and refuses every other method by its name.

#include "apus/apus.h"
#include <stdlib.h>
#include <string.h>

static apus_borrowed lend(const char *text) { return (apus_borrowed){(const uint8_t *)text, strlen(text)}; }

// A protobuf message being written: fields one after another, each a key (its number, and how its value is laid out) and a value.
typedef struct message {
    uint8_t bytes[1024];
    size_t count;
} message;

static void put_byte(message *to, uint8_t byte) {
    if (to->count == sizeof to->bytes) abort(); // the answers here are all short
    to->bytes[to->count++] = byte;
}

// Seven bits a byte, lowest first; the highest bit says that more follow.
static void put_number(message *to, uint64_t number) {
    for (; number >= 0x80; number >>= 7) put_byte(to, (uint8_t)number | 0x80);
    put_byte(to, (uint8_t)number);
}

static void put_bytes(message *to, uint32_t field, const void *bytes, size_t count) {
    put_number(to, (uint64_t)field << 3 | 2);
    put_number(to, count);
    for (size_t index = 0; index < count; index++) put_byte(to, ((const uint8_t *)bytes)[index]);
}

static void put_text(message *to, uint32_t field, const char *text) { put_bytes(to, field, text, strlen(text)); }
static void put_message(message *to, uint32_t field, const message *part) { put_bytes(to, field, part->bytes, part->count); }

static void put_bool(message *to, uint32_t field, int value) {
    if (!value) return; // what is false is left out
    put_number(to, (uint64_t)field << 3);
    put_byte(to, 1);
}

// VersionResponse
static void version(message *answer) {
    put_text(answer, 1, "0.1.0"); // version, of the kubelet's runtime API
    put_text(answer, 2, "{{NAME}}"); // runtime_name
    put_text(answer, 3, "0.1.0"); // runtime_version
    put_text(answer, 4, "v1"); // runtime_api_version
}

// RuntimeCondition
static void put_condition(message *status, const char *type, int value, const char *reason, const char *text) {
    message condition = {.count = 0};
    put_text(&condition, 1, type);
    put_bool(&condition, 2, value);
    if (reason) put_text(&condition, 3, reason);
    if (text) put_text(&condition, 4, text);
    put_message(status, 1, &condition);
}

// StatusResponse
static void status(message *answer) {
    message status = {.count = 0};
    put_condition(&status, "RuntimeReady", 1, NULL, NULL);
    // The Node is not Ready while this is false, so no Pod is sent to a runtime that could not run it.
    put_condition(&status, "NetworkReady", 0, "NotImplemented", "{{NAME}} runs no Pods yet");
    put_message(answer, 1, &status);
}

static const struct {
    const char *name;
    void (*answer)(message *answer);
} methods[] = {
    {"RuntimeService/Version", version},
    {"RuntimeService/Status", status},
};

static apus_status call(void *self, apus_borrowed method, apus_borrowed request, int64_t timeout_ms, int32_t *code, const apus_sink *answer) {
    (void)self, (void)request, (void)timeout_ms;
    for (size_t index = 0; index < sizeof methods / sizeof *methods; index++) {
        if (method.count != strlen(methods[index].name) || memcmp(method.bytes, methods[index].name, method.count) != 0) continue;
        message response = {.count = 0};
        methods[index].answer(&response);
        answer->write(answer->context, (apus_borrowed){response.bytes, response.count});
        return APUS_OK;
    }
    // A refusal is one of gRPC's codes, and a sentence.
    *code = APUS_CODE_UNIMPLEMENTED;
    answer->write(answer->context, lend("{{NAME}} has no "));
    answer->write(answer->context, method);
    return APUS_UNSUPPORTED;
}

// The slots for events and streams are left out: the host looks for itself what changed, and `kubectl exec` is refused.
static const apus_runtime table = {.size = sizeof table, .call = call};

// There is nothing to remember yet, so there is no instance: `self` is null everywhere.
static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)host;
    *self = NULL;
    if (config.count == 2) return APUS_OK; // `{}`
    error->write(error->context, lend("config: there are no settings, and this has "));
    error->write(error->context, config);
    return APUS_INVALID;
}

static const apus_component component = {
    .size = sizeof component, .name = "{{NAME}}", .extension = APUS_RUNTIME, .table = &table, .create = create,
};
static const apus_component *const components[] = {&component};

// The one symbol that the host looks for.
const apus_plugin *apus_plugin_entry(void) {
    static const apus_plugin plugin = {
        .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "{{NAME}}", .version = "0.1.0", .components = components, .component_count = 1,
    };
    return &plugin;
}
