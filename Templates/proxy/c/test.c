// The rules for one Service of two endpoints; the kernel is left alone.
#include "plugin.c"

static int failures;
#define CHECK(what) ((what) ? (void)0 : (void)(printf("FAIL line %d: %s\n", __LINE__, #what), failures++))

static int warnings;
static void write_log(void *context, int32_t level, apus_borrowed message) { (void)context, (void)message, warnings += level == APUS_LOG_WARNING; }
static const apus_host_log log_table = {.size = sizeof log_table, .write = write_log};

int main(void) {
    apus_endpoint endpoints[] = {
        {.address = {.bytes = {10, 244, 0, 5}, .family = 4}, .port = 8080},
        {.address = {.bytes = {0xfd, [15] = 1}, .family = 6}, .port = 8080},
        {.address = {.bytes = {10, 244, 0, 6}, .family = 4}, .port = 8081},
    };
    apus_service_port services[] = {
        {.namespace_ = lend("default"), .name = lend("web"), .protocol = 6, .port = 80, .node_port = 30080, .flags = APUS_SERVICE_CHANGED,
         .cluster_ip = {.bytes = {10, 96, 0, 10}, .family = 4}, .external_count = 1, .endpoint_count = 3},
        {.namespace_ = lend("default"), .name = lend("empty"), .protocol = 17, .port = 53, .affinity_seconds = 60, .flags = APUS_SERVICE_CHANGED,
         .cluster_ip = {.bytes = {10, 96, 0, 11}, .family = 4}},
    };
    apus_address external = {.bytes = {192, 0, 2, 7}, .family = 4};
    apus_services wanted = {
        .size = sizeof wanted, .service_count = 2, .generation = 1, .services = services, .endpoints = endpoints, .endpoint_count = 3, .addresses = &external, .address_count = 1,
    };

    char *text = ruleset(&wanted);
#define TARGETS " dnat ip to numgen random mod 2 map { 0 : 10.244.0.5 . 8080, 1 : 10.244.0.6 . 8081 }\n"
    CHECK(text && strstr(text, "\n    ip daddr 10.96.0.10 tcp dport 80" TARGETS));
    CHECK(text && strstr(text, "\n    ip daddr 192.0.2.7 tcp dport 80" TARGETS));
    CHECK(text && strstr(text, "\n    ip daddr != 127.0.0.0/8 fib daddr type local tcp dport 30080" TARGETS));
    CHECK(text && !strstr(text, "10.96.0.11")); // without an endpoint there is nowhere to send it
    CHECK(text && strncmp(text, REMOVAL, strlen(REMOVAL)) == 0); // what was there before is replaced
    free(text);

    proxy proxy = {.log = &log_table};
    warn(&proxy, &services[0]);
    CHECK(warnings == 0);
    warn(&proxy, &services[1]); // it wants session affinity
    CHECK(warnings == 1);
    services[1].flags = 0; // and is not new any more
    warn(&proxy, &services[1]);
    CHECK(warnings == 1);

    puts(failures ? "test: failed" : "test: ok");
    return failures != 0;
}
