// A scheduler policy in C: fills Nodes up before it begins another, so that whole Nodes stay empty and can be switched off.
//
// It stands beside `scheduler-default`, whose filters say where a Pod may run, and outweighs it: `weight` in plugin-manifests/policy-binpack.yaml says by how much. In place of it
// (`replaces: scheduler-default`) it would pack without regard to taints and affinity.

#include "apus/apus.h"
#include <string.h>

static int is_set(const uint64_t *set, uint32_t node) { return (set[node / 64] >> (node % 64)) & 1; }

// From 0 to 100, how full the Node would be of one resource; -1 where it has none of it.
static int64_t fullness(const apus_nodes *nodes, const apus_pod *pod, uint32_t resource, uint32_t node) {
    const int64_t all = nodes->allocatable[resource][node], used = nodes->requested[resource][node], wanted = pod->requests[resource];
    if (all <= 0) return -1;
    // What is held there may be any number: Pods that were put past the scheduler onto the Node count, too.
    if (used < 0 || used > all || wanted < 0 || wanted > all - used) return 100;
    return (int64_t)((double)(used + wanted) / (double)all * 100);
}

static apus_status score(void *self, const apus_pod *pod, const apus_nodes *nodes, const uint64_t *feasible, int32_t *points, const apus_sink *error) {
    (void)self, (void)error;
    for (uint32_t node = 0; node < nodes->count; node++) {
        if (!is_set(feasible, node)) continue;
        const int64_t cpu = fullness(nodes, pod, APUS_RESOURCE_CPU, node), memory = fullness(nodes, pod, APUS_RESOURCE_MEMORY, node);
        points[node] = (int32_t)(cpu < 0 ? (memory < 0 ? 0 : memory) : memory < 0 ? cpu : (cpu + memory) / 2);
    }
    return APUS_OK;
}

// A Node's points come of its own columns: nothing is affected but what changed.
static apus_status affected(void *self, const apus_pod *pod, const apus_nodes *nodes, int32_t answers, uint64_t *changed, const apus_sink *error) {
    (void)self, (void)pod, (void)nodes, (void)answers, (void)changed, (void)error;
    return APUS_OK;
}

static const apus_scheduler_policy policy = {.size = sizeof policy, .score = score, .affected = affected};

// Nothing to remember: `self` is null everywhere. A setting that has no effect is refused.
static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)host;
    *self = 0;
    if (config.count == 2) return APUS_OK; // `{}`
    static const char text[] = "config: there are no settings, and this has ";
    error->write(error->context, (apus_borrowed){(const uint8_t *)text, strlen(text)});
    error->write(error->context, config);
    return APUS_INVALID;
}

static const apus_component binpack = {
    .size = sizeof binpack, .name = "binpack", .extension = APUS_SCHEDULER_POLICY, .table = &policy, .create = create,
};
static const apus_component *const components[] = {&binpack};

const apus_plugin *apus_plugin_entry(void) {
    static const apus_plugin plugin = {
        .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "policy-binpack", .version = "1.0.0",
        .components = components, .component_count = 1,
    };
    return &plugin;
}
