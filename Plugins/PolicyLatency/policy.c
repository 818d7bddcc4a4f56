// A scheduler policy in C: prefers the Nodes that are nearest. How far away each is, in milliseconds, stands in its annotation `scheduling.apus.dev/latency-ms`, which something else
// measures and keeps up to date; a Node without it comes last.
//
// Columns have no annotations, so the policy observes the Nodes: `policy.watches` in plugin-manifests/policy-latency.yaml names the kind and the one field whose changes matter. What it
// hears is noted by name; the columns' own list of changes says which rows have to be looked up, so a decision costs no look-up where nothing changed.

#include "apus/apus.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char annotation[] = "scheduling.apus.dev/latency-ms";

#define UNKNOWN ((int32_t)-1)
#define MOST 3600000 // an hour; what is more counts as that
#define BUCKETS 4096

// One Node that has the annotation.
struct known {
    struct known *next;
    int32_t latency;
    uint64_t length;
    uint8_t name[];
};

struct policy {
    pthread_mutex_t lock; // slots are called from many threads
    struct known *buckets[BUCKETS];
    int changed; // something was observed since `rows` were looked up
    // By row of the columns `identity`, as far as their change number `seen`.
    int32_t *rows;
    uint32_t capacity;
    uint64_t identity, seen;
};

// # JSON as the host lends it: no white space between tokens, well formed.

// Where the value that begins at `at` ends.
static const uint8_t *skip(const uint8_t *at, const uint8_t *end) {
    int depth = 0, quoted = 0;
    for (; at < end; at++) {
        if (quoted) {
            if (*at == '\\') at++;
            else if (*at == '"') quoted = 0;
            continue;
        }
        if ((*at == ',' || *at == '}' || *at == ']') && depth == 0) return at;
        if (*at == '"') quoted = 1;
        if (*at == '{' || *at == '[') depth++;
        if (*at == '}' || *at == ']') depth--;
    }
    return end;
}

// The value of a member of an object; no bytes where there is none.
static apus_borrowed member(apus_borrowed object, const char *name) {
    const apus_borrowed none = {0, 0};
    if (object.count < 2 || object.bytes[0] != '{') return none;
    const uint8_t *at = object.bytes + 1, *end = object.bytes + object.count;
    const uint64_t length = strlen(name);
    while (at < end && *at == '"') {
        const uint8_t *key = at + 1;
        for (at++; at < end && *at != '"'; at++) if (*at == '\\') at++;
        const uint64_t size = (uint64_t)(at - key);
        at += 2; // the quotation mark and the colon
        if (at >= end) return none;
        const uint8_t *value = at;
        at = skip(at, end);
        if (size == length && memcmp(key, name, length) == 0) return (apus_borrowed){value, (uint64_t)(at - value)};
        at++; // the comma
    }
    return none;
}

// What stands between the quotation marks.
static apus_borrowed text(apus_borrowed value) {
    return value.count >= 2 && value.bytes[0] == '"' ? (apus_borrowed){value.bytes + 1, value.count - 2} : (apus_borrowed){0, 0};
}

// A whole number; UNKNOWN for all else.
static int32_t number(apus_borrowed digits) {
    int32_t result = digits.count ? 0 : UNKNOWN;
    for (uint64_t i = 0; i < digits.count; i++) {
        if (digits.bytes[i] < '0' || digits.bytes[i] > '9') return UNKNOWN;
        if (result < MOST) result = result * 10 + (digits.bytes[i] - '0');
    }
    return result < MOST ? result : MOST;
}

// # What is known, by name.

// Where the pointer to a Node of that name is, or is to be.
static struct known **find(struct policy *policy, apus_borrowed name) {
    uint32_t hash = 2166136261u;
    for (uint64_t i = 0; i < name.count; i++) hash = (hash ^ name.bytes[i]) * 16777619u;
    struct known **place = &policy->buckets[hash % BUCKETS];
    while (*place && ((*place)->length != name.count || memcmp((*place)->name, name.bytes, name.count) != 0)) place = &(*place)->next;
    return place;
}

static void note(struct policy *policy, apus_borrowed name, int32_t latency) {
    struct known **place = find(policy, name), *known = *place;
    if (latency == UNKNOWN) {
        if (known) *place = known->next;
        free(known);
    } else if (known) {
        known->latency = latency;
    } else if ((known = malloc(sizeof *known + name.count))) {
        *known = (struct known){0, latency, name.count};
        memcpy(known->name, name.bytes, name.count);
        *place = known;
    }
}

static void observe(void *self, apus_borrowed resource, apus_borrowed before, apus_borrowed after, const apus_waiting *waiting) {
    (void)resource, (void)waiting;
    struct policy *policy = self;
    const apus_borrowed metadata = member(after.count ? after : before, "metadata");
    const apus_borrowed name = text(member(metadata, "name"));
    if (name.count == 0) return;
    const int32_t latency = after.count ? number(text(member(member(metadata, "annotations"), annotation))) : UNKNOWN;
    pthread_mutex_lock(&policy->lock);
    note(policy, name, latency);
    policy->changed = 1;
    pthread_mutex_unlock(&policy->lock);
}

// # The rows of the columns.

static void look_up(struct policy *policy, const apus_nodes *nodes, uint32_t row) {
    if (row >= nodes->count || nodes->names[row] >= nodes->string_count) return;
    const apus_borrowed name = nodes->strings[nodes->names[row]];
    const struct known *known = name.count ? *find(policy, name) : 0;
    policy->rows[row] = known ? known->latency : UNKNOWN;
}

// Brings `rows` up to date: in the time of the change, unless the tables are others or too much changed. Returns 0 without memory.
static int follow(struct policy *policy, const apus_nodes *nodes) {
    int all = policy->changed || policy->identity != nodes->identity || nodes->changes.count < policy->seen ||
              nodes->changes.count - policy->seen > nodes->changes.capacity;
    if (policy->capacity < nodes->count) {
        int32_t *rows = realloc(policy->rows, 2 * (uint64_t)nodes->count * sizeof *rows);
        if (!rows) return 0;
        policy->rows = rows;
        policy->capacity = 2 * nodes->count;
        all = 1;
    }
    if (all) {
        for (uint32_t row = 0; row < nodes->count; row++) look_up(policy, nodes, row);
    } else {
        for (uint64_t i = policy->seen; i < nodes->changes.count; i++) look_up(policy, nodes, nodes->changes.rows[i % nodes->changes.capacity]);
    }
    policy->changed = 0;
    policy->identity = nodes->identity;
    policy->seen = nodes->changes.count;
    return 1;
}

static int is_set(const uint64_t *set, uint32_t node) { return (set[node / 64] >> (node % 64)) & 1; }

// 100 for the nearest of the Nodes in question, 0 for the farthest and for those of which nothing is known.
static apus_status score(void *self, const apus_pod *pod, const apus_nodes *nodes, const uint64_t *feasible, int32_t *points, const apus_sink *error) {
    (void)pod;
    struct policy *policy = self;
    pthread_mutex_lock(&policy->lock);
    const int is_ready = follow(policy, nodes);
    int64_t nearest = INT64_MAX, farthest = -1;
    for (uint32_t node = 0; is_ready && node < nodes->count; node++) {
        if (!is_set(feasible, node) || policy->rows[node] == UNKNOWN) continue;
        if (policy->rows[node] < nearest) nearest = policy->rows[node];
        if (policy->rows[node] > farthest) farthest = policy->rows[node];
    }
    for (uint32_t node = 0; is_ready && node < nodes->count; node++) {
        if (!is_set(feasible, node)) continue;
        const int32_t latency = policy->rows[node];
        points[node] = latency == UNKNOWN ? 0 : farthest == nearest ? 100 : (int32_t)((farthest - latency) * 100 / (farthest - nearest));
    }
    pthread_mutex_unlock(&policy->lock);
    if (is_ready) return APUS_OK;
    static const char sentence[] = "out of memory";
    error->write(error->context, (apus_borrowed){(const uint8_t *)sentence, strlen(sentence)});
    return APUS_FAULT;
}

static const apus_scheduler_policy table = {.size = sizeof table, .score = score, .observe = observe};

// A setting that has no effect is refused.
static apus_status create(const apus_component *component, const apus_host *host, apus_borrowed config, void **self, const apus_sink *error) {
    (void)component, (void)host;
    static const char settings[] = "config: there are no settings, and this has ", memory[] = "out of memory";
    if (config.count != 2) { // not `{}`
        error->write(error->context, (apus_borrowed){(const uint8_t *)settings, strlen(settings)});
        error->write(error->context, config);
        return APUS_INVALID;
    }
    struct policy *policy = calloc(1, sizeof *policy);
    if (!policy || pthread_mutex_init(&policy->lock, 0) != 0) {
        free(policy);
        error->write(error->context, (apus_borrowed){(const uint8_t *)memory, strlen(memory)});
        return APUS_UNAVAILABLE;
    }
    *self = policy;
    return APUS_OK;
}

static void destroy(void *self) {
    struct policy *policy = self;
    for (uint32_t bucket = 0; bucket < BUCKETS; bucket++) {
        for (struct known *known = policy->buckets[bucket], *next; known; known = next) {
            next = known->next;
            free(known);
        }
    }
    pthread_mutex_destroy(&policy->lock);
    free(policy->rows);
    free(policy);
}

static const apus_component latency = {
    .size = sizeof latency, .name = "latency", .extension = APUS_SCHEDULER_POLICY, .table = &table, .create = create, .destroy = destroy,
};
static const apus_component *const components[] = {&latency};

const apus_plugin *apus_plugin_entry(void) {
    static const apus_plugin plugin = {
        .size = sizeof plugin, .major = APUS_ABI_MAJOR, .minor = APUS_ABI_MINOR, .name = "policy-latency", .version = "1.0.0",
        .components = components, .component_count = 1,
    };
    return &plugin;
}
