#ifndef APUS_PLUGIN_H
#define APUS_PLUGIN_H
#include "apus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Equal on both sides, or the library is refused.
#define APUS_ABI_MAJOR 1
/// The host's may be newer than the library's, never older.
#define APUS_ABI_MINOR 0

/// What the host offers a component. Lent for the component's whole life: `create` until after `destroy`.
typedef struct apus_host {
    uint32_t size; // sizeof(apus_host) where the host was compiled

    /// The context to pass to every host function. It stands for this component alone: the functions the host hands out are made for one component each,
    /// so the host knows who calls without trusting an argument.
    void *APUS_NULLABLE context;

    /// The table of a host service (`APUS_HOST_LOG`, `APUS_HOST_OBJECTS`, …) or null if this host does not have it.
    /// The table lives as long as the host structure.
    /// [any & loaded, running, stopped]
    const void *APUS_NULLABLE (*APUS_NONNULL service)(void *APUS_NULLABLE context, const char *APUS_NONNULL id);
} apus_host;

typedef struct apus_component apus_component;

/// One thing a library offers: a scheduler policy, a controller, a runtime or a proxy. The manifest's `component` picks it by name.
struct apus_component {
    uint32_t size; // sizeof(apus_component) where the plugin was compiled

    /// Unique within the library, a DNS label, NUL-terminated; equal to the manifest's `component`.
    const char *APUS_NONNULL name;

    /// The extension it implements: `APUS_SCHEDULER_POLICY`, `APUS_CONTROLLER`, `APUS_RUNTIME` or `APUS_PROXY`.
    const char *APUS_NONNULL extension;

    /// The extension's table (`apus_scheduler_policy`, …), constant for the life of the process.
    const void *APUS_NONNULL table;

    /// Makes an instance. `config` is the manifest's `config` as JSON, `{}` when it has none. On OK `*self` is the instance, which may be null; on any other status
    /// the sink gets one sentence for the operator. `component` is the structure this slot stands in, so that one function can serve several components.
    /// [control & discovered]
    apus_status (*APUS_NONNULL create)(const apus_component *APUS_NONNULL component, const apus_host *APUS_NONNULL host, apus_borrowed config,
                                       void *APUS_NULLABLE *APUS_NONNULL self, const apus_sink *APUS_NONNULL error);

    /// Begins work: may start threads and open connections. Returns when the component can take calls.
    /// [control & loaded]
    apus_status (*APUS_NULLABLE start)(void *APUS_NULLABLE self, const apus_sink *APUS_NONNULL error);

    /// Ends work: threads are joined and connections closed when it returns. Legal in every state, also after a `start` that failed; a second call does nothing.
    /// [control & loaded, running, stopped]
    void (*APUS_NULLABLE stop)(void *APUS_NULLABLE self);

    /// Frees the instance. The last call it sees.
    /// [control & loaded, stopped]
    void (*APUS_NULLABLE destroy)(void *APUS_NULLABLE self);
};

/// What `apus_plugin_entry` returns.
///
/// **Rationale.** The first three fields never move in any version, so that a host can read them from a library of any age and say what is wrong with it.
typedef struct apus_plugin {
    uint32_t size; // sizeof(apus_plugin) where the plugin was compiled
    uint16_t major; // APUS_ABI_MAJOR where the plugin was compiled
    uint16_t minor; // APUS_ABI_MINOR where the plugin was compiled

    /// The library's own name and version, NUL-terminated, for people.
    const char *APUS_NONNULL name;
    const char *APUS_NONNULL version;

    const apus_component *APUS_NONNULL const *APUS_NONNULL components;
    uint64_t component_count;
} apus_plugin;

/// The one symbol a plugin library exports. Returns a constant; does nothing else.
/// [control & discovered]
const apus_plugin *APUS_NONNULL apus_plugin_entry(void);

#ifdef __cplusplus
}
#endif
#endif
