#ifndef APUS_CONTROLLER_H
#define APUS_CONTROLLER_H
#include "apus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define APUS_CONTROLLER "apus.controller/1"

/// One entry of the work queue.
typedef struct apus_key {
    uint32_t size; // sizeof(apus_key) where its maker was compiled
    apus_borrowed resource; // the kind of the object, `apps/v1/deployments`
    apus_borrowed namespace_; // empty for cluster-scoped kinds
    apus_borrowed name;
    apus_borrowed uid; // of the object last seen under that name
} apus_key;

/// Takes keys to put on the controller's own queue: 65,536 in one call. What goes beyond is left out, and counted as a FAULT.
typedef struct apus_key_sink {
    uint32_t size; // sizeof(apus_key_sink) where the host was compiled
    void *APUS_NULLABLE context;
    /// Only during the call it was lent for, and only on its thread. The key is copied. One whose resource is not of the form `version/plural` or `group/version/plural`,
    /// or that says a smaller `size` than it had in 1.0, is left out.
    /// [any & running]
    void (*APUS_NONNULL add)(void *APUS_NULLABLE context, const apus_key *APUS_NONNULL key);
} apus_key_sink;

/// Brings the world closer to what one object asks for. The host owns the queue, the cache, retries and leader election; the manifest says which kinds are watched
/// (`controller.for`, `owns`, `watches`). A key is never worked on twice at once, and is worked on again when anything changed meanwhile.
///
/// A key comes without a reason and may come for nothing: after a start, a swap or a restart every object comes once. So `reconcile` looks at what is and never counts on
/// what it remembers. During a swap, the old instance's last call has returned before the new one's first begins.
///
/// Deadlines: 60 s for `reconcile`, 5 s for `map`; the manifest's `deadlineSeconds` takes their place.
typedef struct apus_controller {
    uint32_t size; // sizeof(apus_controller) where the plugin was compiled

    /// Compares the object with the world and acts. The object may be gone: `get` then answers NOT_FOUND. May block. `*again_after_ms` below zero is taken for a FAULT.
    /// OK ends the work on this key until something changes or `*again_after_ms` (zero when called) has passed, if the slot set it. RETRY, CONFLICT and CANCELLED put the
    /// key back after a back-off that grows from 5 ms to 1000 s; so does every other status, which is also an error: the sink's sentence is logged.
    /// [worker & running]
    apus_status (*APUS_NONNULL reconcile)(void *APUS_NULLABLE self, const apus_key *APUS_NONNULL key, int64_t *APUS_NONNULL again_after_ms,
                                          const apus_sink *APUS_NONNULL error);

    /// For an object of a kind listed under `watches` with `map: Plugin`: adds the keys to work on because it changed, and the watch's filters let the change through. It is
    /// needed only where none of the other mappings will do. Both are JSON; `before` is empty for a new object, `after` for a deleted one. Changes wait behind it, so it should not call the API. May be absent when no watch asks for it.
    /// [worker & running]
    void (*APUS_NULLABLE map)(void *APUS_NULLABLE self, apus_borrowed resource, apus_borrowed before, apus_borrowed after, const apus_key_sink *APUS_NONNULL keys);

    /// The kinds that the API serves have changed: adds the keys to work on because of that. `generation` is that of apus_host_kinds. May be absent.
    /// [worker & running]
    void (*APUS_NULLABLE map_kinds)(void *APUS_NULLABLE self, int64_t generation, const apus_key_sink *APUS_NONNULL keys);

    /// Removes everything the component ever put in place on this Node, this instance or another. Called only where the manifest says `runsOn: Node`: when it is switched off and nobody
    /// of the same component takes over, and when the cluster is taken down, without a `start` before it. No `reconcile` begins after it; one that is under way must leave
    /// nothing behind. OK when there was nothing to remove. 30 s. May be absent.
    /// [control & loaded, running, stopped]
    apus_status (*APUS_NULLABLE cleanup)(void *APUS_NULLABLE self, const apus_sink *APUS_NONNULL error);
} apus_controller;

#ifdef __cplusplus
}
#endif
#endif
