// The controller against a host that has one Namespace.
#include "plugin.c"

static int failures;
#define CHECK(what) ((what) ? (void)0 : (void)(printf("FAIL line %d: %s\n", __LINE__, #what), failures++))

static const char *stored; // the one Namespace, as JSON; null when it is gone
static char written[512]; // the last patch
static apus_status refusal; // what a patch answers

static void say(const apus_sink *sink, const char *text) { sink->write(sink->context, lend(text)); }
static void write_log(void *context, int32_t level, apus_borrowed message) { (void)context, (void)level, (void)message; }

static apus_status get(void *context, const apus_object_ref *ref, const apus_sink *object) {
    (void)context, (void)ref;
    if (!stored) return APUS_NOT_FOUND;
    say(object, stored);
    return APUS_OK;
}

static apus_status patch(void *context, const apus_object_ref *ref, int32_t kind, apus_borrowed patch, const apus_write_options *options,
                         const apus_sink *answer) {
    (void)context, (void)ref, (void)options;
    CHECK(kind == APUS_PATCH_MERGE);
    snprintf(written, sizeof written, "%.*s", (int)patch.count, (const char *)patch.bytes);
    say(answer, refusal == APUS_OK ? "{}" : "{\"kind\":\"Status\",\"message\":\"no\"}");
    return refusal;
}

static const apus_host_log log_table = {.size = sizeof log_table, .write = write_log};
static const apus_host_objects objects_table = {.size = sizeof objects_table, .get = get, .patch = patch};
static const void *service(void *context, const char *id) {
    (void)context;
    return strcmp(id, APUS_HOST_LOG) == 0 ? (const void *)&log_table : strcmp(id, APUS_HOST_OBJECTS) == 0 ? (const void *)&objects_table : NULL;
}
static const apus_host host = {.size = sizeof host, .service = service};

int main(void) {
    buffer error = {0};
    apus_sink sink = {sizeof sink, &error, append};
    void *self = NULL;
    CHECK(create(&component, &host, lend("{\"size\":3}"), &self, &sink) == APUS_INVALID && strstr(error.text, "size"));
    CHECK(create(&component, &host, lend("{}"), &self, &sink) == APUS_OK && self);

    apus_key key = {.size = sizeof key, .resource = lend("v1/namespaces"), .name = lend("blue")};
    int64_t again = 0;

    stored = "{\"metadata\":{\"name\":\"blue\"}}";
    CHECK(reconcile(self, &key, &again, &sink) == APUS_OK && strcmp(written, "{\"metadata\":{\"labels\":{" LABEL "}}}") == 0);

    written[0] = 0;
    stored = "{\"metadata\":{\"labels\":{" LABEL "},\"name\":\"blue\"}}";
    CHECK(reconcile(self, &key, &again, &sink) == APUS_OK && !written[0]); // nothing to do, nothing written

    stored = NULL;
    CHECK(reconcile(self, &key, &again, &sink) == APUS_OK && !written[0]);

    stored = "{\"metadata\":{\"name\":\"blue\"}}";
    refusal = APUS_FORBIDDEN;
    CHECK(reconcile(self, &key, &again, &sink) == APUS_FORBIDDEN && strstr(error.text, "Status"));

    destroy(self);
    free(error.text);
    puts(failures ? "test: failed" : "test: ok");
    return failures != 0;
}
