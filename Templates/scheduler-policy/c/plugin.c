// {{NAME}}: a scheduler policy in C. Keeps a tenth of every Node's cpu free, and prefers the Nodes with the most free cpu.

#include "apus/apus.h"
#include <stdlib.h>
#include <string.h>

#define RESERVE 10 // a Node keeps one part in so many

static apus_borrowed lend(const char *text) { return (apus_borrowed){(const uint8_t *)text, strlen(text)}; }

// A set of Nodes has one bit a Node, lowest first, in words of 64.
static int is_set(const uint64_t *set, uint32_t node) { return set[node / 64] >> (node % 64) & 1; }
static void set_bit(uint64_t *set, uint32_t node) { set[node / 64] |= (uint64_t)1 << (node % 64); }
static void clear_bit(uint64_t *set, uint32_t node) { set[node / 64] &= ~((uint64_t)1 << (node % 64)); }

// What would be free with the Pod on the Node, in thousandths of a core.
static int64_t free_cpu(const apus_pod *pod, const apus_nodes *nodes, uint32_t node) {
    return nodes->allocatable[APUS_RESOURCE_CPU][node] - nodes->requested[APUS_RESOURCE_CPU][node] - pod->requests[APUS_RESOURCE_CPU];
}

static apus_status filter(void *self, const apus_pod *pod, const apus_nodes *nodes, uint64_t *feasible, const apus_reasons *reasons, const apus_sink *error) {
    (void)self;
    // Where Pods that go would make room the verdict is UNSCHEDULABLE; where they would not, UNRESOLVABLE. The host asks for reasons only after a cycle that left no Node, so this is not on the fast path.
    uint64_t *refused = reasons ? calloc(nodes->count / 64 + 1, sizeof *refused) : NULL;
    if (reasons && !refused) {
        error->write(error->context, lend("out of memory"));
        return APUS_FAULT;
    }
    int any = 0;
    for (uint32_t node = 0; node < nodes->count; node++) {
        if (!is_set(feasible, node) || free_cpu(pod, nodes, node) >= nodes->allocatable[APUS_RESOURCE_CPU][node] / RESERVE) continue;
        clear_bit(feasible, node);
        if (refused) set_bit(refused, node);
        any = 1;
    }
    if (refused && any) reasons->add(reasons->context, refused, APUS_UNSCHEDULABLE, lend("Too little cpu in reserve"), APUS_EVENT_NODE_ADDED + APUS_EVENT_NODE_ALLOCATABLE + APUS_EVENT_POD_REMOVED);
    free(refused);
    return APUS_OK;
}

static apus_status score(void *self, const apus_pod *pod, const apus_nodes *nodes, const uint64_t *feasible, int32_t *points, const apus_sink *error) {
    (void)self, (void)error;
    for (uint32_t node = 0; node < nodes->count; node++) {
        if (!is_set(feasible, node)) continue;
        int64_t all = nodes->allocatable[APUS_RESOURCE_CPU][node], left = free_cpu(pod, nodes, node);
        points[node] = all <= 0 || left <= 0 ? 0 : left >= all ? 100 : (int32_t)(left * 100 / all);
    }
    return APUS_OK;
}

// Slots that are left out are null: there is no `prefilter`, nor a `permit`, and nothing is observed.
static const apus_scheduler_policy table = {.size = sizeof table, .filter = filter, .score = score};

// There is nothing to remember, so there is no instance: `self` is null everywhere.
static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)host;
    *self = NULL;
    if (config.count == 2) return APUS_OK; // `{}`
    error->write(error->context, lend("config: there are no settings, and this has "));
    error->write(error->context, config);
    return APUS_INVALID;
}

static const apus_component component = {
    .size = sizeof component, .name = "{{NAME}}", .extension = APUS_SCHEDULER_POLICY, .table = &table, .create = create,
};
static const apus_component *const components[] = {&component};

// The one symbol that the host looks for.
const apus_plugin *apus_plugin_entry(void) {
    static const apus_plugin plugin = {
        .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "{{NAME}}", .version = "0.1.0", .components = components, .component_count = 1,
    };
    return &plugin;
}
