// The proxy with one Service of two endpoints.
#define OUTPUT "build/services"
#include "plugin.c"

static int failures;
#define CHECK(what) ((what) ? (void)0 : (void)(printf("FAIL line %d: %s\n", __LINE__, #what), failures++))

static char said[256];
static void say(void *context, apus_borrowed piece) { (void)context, snprintf(said, sizeof said, "%.*s", (int)piece.count, (const char *)piece.bytes); }

static const char *output(void) {
    static char text[512];
    memset(text, 0, sizeof text);
    FILE *file = fopen(OUTPUT, "r");
    if (!file) return "(no file)";
    size_t count = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    return count ? text : "";
}

int main(void) {
    apus_sink sink = {NULL, say};
    apus_endpoint endpoints[] = {
        {.address = {.bytes = {10, 244, 0, 5}, .family = 4}, .port = 8080, .flags = APUS_ENDPOINT_READY},
        {.address = {.bytes = {0xfd, [15] = 1}, .family = 6}, .port = 8080, .flags = APUS_ENDPOINT_READY},
    };
    apus_service_port service = {
        .id = 1, .namespace_ = lend("default"), .name = lend("web"), .port_name = lend("http"), .protocol = 6, .port = 80, .flags = APUS_SERVICE_CHANGED,
        .cluster_ip = {.bytes = {10, 96, 0, 10}, .family = 4}, .endpoint_count = 2,
    };
    apus_services wanted = {.size = sizeof wanted, .service_count = 1, .generation = 1, .services = &service, .endpoints = endpoints, .endpoint_count = 2};

    CHECK(cleanup(NULL, &sink) == APUS_OK); // there is nothing yet
    CHECK(sync_services(NULL, &wanted, &sink) == APUS_OK);
    CHECK(strcmp(output(), "tcp 10.96.0.10:80 default/web:http -> 10.244.0.5:8080 [fd00::1]:8080\n") == 0);

    wanted = (apus_services){.size = sizeof wanted, .generation = 2, .previous = 1};
    CHECK(sync_services(NULL, &wanted, &sink) == APUS_OK && strcmp(output(), "") == 0);

    CHECK(cleanup(NULL, &sink) == APUS_OK && strcmp(output(), "(no file)") == 0);
    puts(failures ? "test: failed" : "test: ok");
    return failures != 0;
}
