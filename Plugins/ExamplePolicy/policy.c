// A scheduler policy in C: spreads the Pods of a cluster over its Nodes by how many each runs already.
//
// A policy sees all Nodes at once, as columns: one call scores every Node, and nothing is copied or allocated. This one needs a single column, the number of Pods
// on each Node. Build it with any C compiler against the headers in Sources/PluginAPI/include, put the library into a plugin directory and
// plugin-manifests/example-policy.yaml beside the other manifests:
//
//     cc -shared -fPIC -ISources/PluginAPI/include Plugins/ExamplePolicy/policy.c -o libexample-policy.so

#include "apus/apus.h"
#include <string.h>

// One bit a Node, lowest first, in words of 64: the set of Nodes that are still in question.
static int is_set(const uint64_t *set, uint32_t node) { return (set[node / 64] >> (node % 64)) & 1; }

// 100 for the Node with the fewest Pods, 0 for the one with the most, in proportion between. Points are written for the Nodes of `feasible` only.
static apus_status score(void *self, const apus_pod *pod, const apus_nodes *nodes, const uint64_t *feasible, int32_t *points, const apus_sink *error) {
    (void)self, (void)pod, (void)error;
    const int64_t *pods = nodes->requested[APUS_RESOURCE_PODS];
    int64_t fewest = INT64_MAX, most = 0;
    for (uint32_t node = 0; node < nodes->count; node++) {
        if (!is_set(feasible, node)) continue;
        if (pods[node] < fewest) fewest = pods[node];
        if (pods[node] > most) most = pods[node];
    }
    for (uint32_t node = 0; node < nodes->count; node++) {
        if (!is_set(feasible, node)) continue;
        points[node] = most == fewest ? 100 : (int32_t)((most - pods[node]) * 100 / (most - fewest));
    }
    return APUS_OK;
}

// The table of the extension. Slots that are left out are null: this policy refuses no Node.
static const apus_scheduler_policy policy = {.size = sizeof policy, .score = score};

// There is nothing to remember, so there is no instance: `self` is null everywhere. Nor is there anything to configure, and a setting that has no effect is refused.
static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)host;
    *self = 0;
    if (config.count == 2) return APUS_OK; // `{}`
    static const char text[] = "config: there are no settings, and this has ";
    error->write(error->context, (apus_borrowed){(const uint8_t *)text, strlen(text)});
    error->write(error->context, config);
    return APUS_INVALID;
}

// What the library offers: one component. `name` is what the manifest's `component` says.
static const apus_component spread = {
    .size = sizeof spread, .name = "spread", .extension = APUS_SCHEDULER_POLICY, .table = &policy, .create = create,
};
static const apus_component *const components[] = {&spread};

// The one symbol the host looks for.
const apus_plugin *apus_plugin_entry(void) {
    static const apus_plugin plugin = {
        .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "example-policy", .version = "1.0.0",
        .components = components, .component_count = 1,
    };
    return &plugin;
}
