#ifndef APUS_PLUGIN_H
#define APUS_PLUGIN_H
#include "apus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

// # A component's life
//
//     apus_plugin_entry ─▶ create ─▶ start ─▶ slots of its extension … ─▶ stop ─▶ destroy
//                             │         └─ not OK ─▶ stop ─▶ destroy        ▲ calls under way have returned
//                             └─ not OK: there is no instance, nothing follows
//
// A library is loaded once for its bytes and never unmapped; a newer file under the same name is loaded beside it. One component may have several instances, in this
// process and in others: keep what belongs to an instance behind `self`, nothing in global variables.
//
// # Swap
//
// When a manifest changes, or another replaces it, the host creates and starts the new instance first, moves the work over, waits for calls into the old one to return, then
// stops and destroys the old. So for a moment two instances of one component live side by side, also in one library: do not take a lock, a port or a file that
// the other must give up first. A new instance that fails in `create` or `start` is thrown away, and the old one never notices. Instances of one component share what they put in
// place outside the process (rules in the kernel, containers, objects of the API): the new one takes over what it finds, and nobody is asked to clean up. It is one component where
// the component's name and the library's own `name` are the same, whatever the version.
//
// # Isolation
//
// With `isolation: Process` in its manifest the same library runs in a child process of the host. Nothing in the ABI changes, and a component that keeps to it need not know.
// There, beyond what any component may count on:
//
// - It is process 1 of a PID namespace, as a user that no other plugin has, with mounts, IPC and a host name of its own. It has no capability and cannot gain any. Scheduler
//   policies, admission policies and controllers see no file but those they are linked with, no network and no other process, and start no programs: open, connect or fork answer as if there
//   were none, or EPERM. A proxy has network administration, sockets of the Internet and of the kernel, and /proc/sys/net to read. A runtime has the host's files and network as
//   root without capabilities, for its daemon is root's, and may start programs, which end with it; what they leave behind is its own to wait for.
// - System calls beyond memory, threads, time, signals and descriptors, and beyond what the line above needs, answer EPERM.
// - Memory, processor time, threads and open files are limited, as the manifest says or else by kind; all it starts counts along. It is inside the host with at most 16 threads
//   of its own at once, a runtime with 128: one more waits.
// - What it prints is in the host's log, line by line, as far as it is little. Standard input and the environment are empty.
// - The Node columns are read-only memory: a write to them is a segmentation fault.
// - A crash, a call past its deadline, a sink beyond its limit or an answer that cannot be read ends the process. Calls in flight answer UNAVAILABLE, events and streams end,
//   and a new process is started with a fresh instance after a back-off. Whatever must outlast that belongs outside: in objects, in the kernel, on disk.
// - Host services work as ever; a call costs some microseconds more.
//
// Isolated or not, a component must not: fork (a runtime starts programs with `posix_spawn`, in process groups of their own, and waits for each by its number), change signal
// handlers or the signal mask of a thread that is not its own, close or keep descriptors it did not open, change the working directory, the locale, the environment or
// resource limits, or call `exit`. Threads of its own are welcome between `start` and `stop`.
//
// # What the host does with mistakes
//
// It looks at everything that comes back. A status that is none, points outside 0 to 100, a bit set that was clear, a sink beyond its limit: the call counts as FAULT, the
// values are not used, and the plugin's status says which slot did what. A call that takes longer than its deadline is counted as late; isolated, it is ended. In
// this process nothing can contain a crash or an endless loop: that is what isolation is for. Isolated, `create` and `destroy` have 30 s, `start` and `stop` 60 s; in this process
// they are waited for. Each extension says its own slots' deadlines.

/// Equal on both sides, or the library is refused.
#define APUS_ABI_MAJOR 1
/// The host's may be newer than the library's, never older.
#define APUS_ABI_MINOR 0

/// On the entry point: it is exported also from a library that hides its symbols (`-fvisibility=hidden`).
#if defined(__GNUC__)
#define APUS_EXPORT __attribute__((visibility("default")))
#else
#define APUS_EXPORT
#endif

/// What the host offers a component. Lent for the component's whole life: `create` until after `destroy`.
typedef struct apus_host {
    uint32_t size; // sizeof(apus_host) where the host was compiled

    /// The context to pass to every host function. It stands for this component alone: the functions the host hands out are made for one component each,
    /// so the host knows who calls without trusting an argument. It is also the context of every service's functions.
    void *APUS_NULLABLE context;

    /// The table of a host service (`APUS_HOST_LOG`, `APUS_HOST_OBJECTS`, …) or null if this host does not have it. `id` is NUL-terminated.
    /// The table lives as long as the host structure.
    /// [any & discovered, loaded, running, stopped]
    const void *APUS_NULLABLE (*APUS_NONNULL service)(void *APUS_NULLABLE context, const char *APUS_NONNULL id);
} apus_host;

typedef struct apus_component apus_component;

/// One thing a library offers: a scheduler policy, a controller, a runtime, a proxy or an admission policy. The manifest's `component` picks it by name. Constant, with all it points to, for
/// the life of the process.
struct apus_component {
    uint32_t size; // sizeof(apus_component) where the plugin was compiled

    /// Unique within the library, a DNS label, NUL-terminated; equal to the manifest's `component`.
    const char *APUS_NONNULL name;

    /// The extension it implements: `APUS_SCHEDULER_POLICY`, `APUS_CONTROLLER`, `APUS_RUNTIME`, `APUS_PROXY` or `APUS_ADMISSION`.
    const char *APUS_NONNULL extension;

    /// The extension's table: an `apus_scheduler_policy`, `apus_controller`, `apus_runtime`, `apus_proxy` or `apus_admission`.
    const void *APUS_NONNULL table;

    /// Makes an instance, quickly and without work that shows outside: that is for `start`. `config` is the manifest's `config` as JSON, `{}` when it has none. On OK `*self`
    /// is the instance, which may be null; the host hands it back to every slot and does not look into it. On any other status the sink gets one sentence for the operator
    /// (INVALID names the field of the configuration), and whatever was allocated must be freed. `host` is lent until `destroy` has returned. `component` is the structure this
    /// slot stands in, so that one function can serve several components. One component may be created many times.
    /// [control & discovered]
    apus_status (*APUS_NONNULL create)(const apus_component *APUS_NONNULL component, const apus_host *APUS_NONNULL host, apus_borrowed config,
                                       void *APUS_NULLABLE *APUS_NONNULL self, const apus_sink *APUS_NONNULL error);

    /// Begins work: may start threads and open connections, and may use every host service. Returns when the component can take calls. On any other status than OK the
    /// sink gets one sentence; `stop` and `destroy` follow. Called once. May be absent.
    /// [control & loaded]
    apus_status (*APUS_NULLABLE start)(void *APUS_NULLABLE self, const apus_sink *APUS_NONNULL error);

    /// Ends work: threads are joined, streams ended and connections closed when it returns, and nothing that the host lent is called afterwards but `log`. Calls that are
    /// under way may still run when it is called and should return soon, with CANCELLED if they cannot finish; from then on only slots whose tag says `stopped` are called.
    /// Legal in every state, also after a `start` that failed; a second call does nothing. May be absent.
    /// [control & loaded, running, stopped]
    void (*APUS_NULLABLE stop)(void *APUS_NULLABLE self);

    /// Frees the instance. The last call it sees, after every other has returned; it is left out when one does not, and when the process ends. May be absent.
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

    /// The library's own name and version, NUL-terminated, for people. Constant for the life of the process, as everything here.
    const char *APUS_NONNULL name;
    const char *APUS_NONNULL version;

    const apus_component *APUS_NONNULL const *APUS_NONNULL components;
    uint64_t component_count; // at least 1
} apus_plugin;

/// The one symbol a plugin library exports. Returns a constant, the same each time; does nothing else.
/// [control & discovered]
APUS_EXPORT const apus_plugin *APUS_NONNULL apus_plugin_entry(void);

#ifdef __cplusplus
}
#endif
#endif
