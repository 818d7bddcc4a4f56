// The policy and three requests: one that is as it should be, one without the label, and a deletion.
#include "plugin.c"
#include <stdio.h>

static int failures;
#define CHECK(what) ((what) ? (void)0 : (void)(printf("FAIL line %d: %s\n", __LINE__, #what), failures++))

static char said[256];
static int warnings;
static void say(void *context, apus_borrowed piece) { (void)context, strncat(said, (const char *)piece.bytes, (size_t)piece.count); }
static void warn(void *context, apus_borrowed text) { (void)context, (void)text, warnings++; }
static void annotate(void *context, apus_borrowed key, apus_borrowed value) { (void)context, (void)key, (void)value; }

typedef apus_status slot(void *, const apus_admission_request *, int32_t *, const apus_admission_notes *, const apus_sink *);

static apus_status ask(slot *slot, int32_t operation, const char *object, const char *user) {
    const apus_admission_request request = {.size = sizeof request, .operation = operation, .resource = lend("v1/pods"), .object = lend(object), .user = lend(user)};
    const apus_admission_notes notes = {sizeof notes, NULL, warn, annotate};
    const apus_sink sink = {sizeof sink, NULL, say};
    int32_t code = 0;
    said[0] = 0, warnings = 0;
    return slot(NULL, &request, &code, &notes, &sink);
}

int main(void) {
    const char *labelled = "{\"metadata\":{\"name\":\"cart\",\"labels\":{\"app\":\"cart\"}}}", *bare = "{\"metadata\":{\"name\":\"cart\"}}";

    CHECK(ask(validate, APUS_OPERATION_CREATE, labelled, "jane") == APUS_OK && warnings == 0);
    CHECK(ask(validate, APUS_OPERATION_UPDATE, bare, "jane") == APUS_DENIED && strcmp(said, "every object needs the label app") == 0);
    CHECK(ask(validate, APUS_OPERATION_DELETE, "", "jane") == APUS_OK);
    CHECK(ask(validate, APUS_OPERATION_CREATE, "{\"metadata\":{\"labels\":{\"app\":\"test\"}}}", "jane") == APUS_OK && warnings == 1);

    CHECK(ask(admit, APUS_OPERATION_CREATE, labelled, "system:serviceaccount:shop:jane") == APUS_OK);
    CHECK(strcmp(said, "[{\"op\":\"add\",\"path\":\"/metadata/labels/written-by\",\"value\":\"jane\"}]") == 0);
    CHECK(ask(admit, APUS_OPERATION_CREATE, bare, "jane") == APUS_OK);
    CHECK(strcmp(said, "[{\"op\":\"add\",\"path\":\"/metadata/labels\",\"value\":{\"written-by\":\"jane\"}}]") == 0);
    CHECK(ask(admit, APUS_OPERATION_UPDATE, labelled, "jane") == APUS_OK && said[0] == 0);
    CHECK(ask(admit, APUS_OPERATION_CREATE, "{\"metadata\":{\"labels\":{\"written-by\":\"joe\"}}}", "jane") == APUS_OK && said[0] == 0);

    void *self;
    const apus_sink sink = {sizeof sink, NULL, say};
    CHECK(create(&component, NULL, lend("{}"), &self, &sink) == APUS_OK);
    CHECK(create(&component, NULL, lend("{\"size\":3}"), &self, &sink) == APUS_INVALID && strstr(said, "size"));

    puts(failures ? "test: failed" : "test: ok");
    return failures != 0;
}
