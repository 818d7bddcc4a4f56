// The policy on three Nodes: an empty one, a full one, and one in between.
#include "plugin.c"
#include <stdio.h>

static int failures;
#define CHECK(what) ((what) ? (void)0 : (void)(printf("FAIL line %d: %s\n", __LINE__, #what), failures++))

static char said[128];
static uint64_t refused;
static void say(void *context, apus_borrowed piece) { (void)context, snprintf(said, sizeof said, "%.*s", (int)piece.count, (const char *)piece.bytes); }
static void refuse(void *context, const uint64_t *nodes, apus_status verdict, apus_borrowed reason, int32_t hints) {
    (void)hints;
    refused = verdict == APUS_UNSCHEDULABLE ? nodes[0] : 0;
    say(context, reason);
}

int main(void) {
    // Columns: one array a resource, one element a Node. Only those that the policy looks at are here.
    int64_t cpu[] = {4000, 4000, 4000}, used[] = {0, 3700, 2000};
    const int64_t *allocatable[] = {cpu}, *requested[] = {used};
    apus_nodes nodes = {.size = sizeof nodes, .count = 3, .resource_count = 1, .allocatable = allocatable, .requested = requested};
    int64_t request[] = {1000};
    apus_pod pod = {.size = sizeof pod, .requests = request, .request_count = 1};
    apus_sink sink = {sizeof sink, NULL, say};

    uint64_t feasible = 7;
    CHECK(filter(NULL, &pod, &nodes, &feasible, NULL, &sink) == APUS_OK && feasible == 5);

    feasible = 7;
    CHECK(filter(NULL, &pod, &nodes, &feasible, &(apus_reasons){sizeof(apus_reasons), NULL, refuse}, &sink) == APUS_OK && refused == 2 && strcmp(said, "Too little cpu in reserve") == 0);

    int32_t points[] = {-1, -1, -1};
    CHECK(score(NULL, &pod, &nodes, &feasible, points, &sink) == APUS_OK);
    CHECK(points[0] == 75 && points[1] == -1 && points[2] == 25); // the Node that was refused is left alone

    void *self;
    CHECK(create(&component, NULL, lend("{}"), &self, &sink) == APUS_OK);
    CHECK(create(&component, NULL, lend("{\"size\":3}"), &self, &sink) == APUS_INVALID && strstr(said, "size"));

    puts(failures ? "test: failed" : "test: ok");
    return failures != 0;
}
