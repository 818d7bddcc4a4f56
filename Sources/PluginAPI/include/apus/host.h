#ifndef APUS_HOST_H
#define APUS_HOST_H
#include "apus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define APUS_HOST_LOG "apus.host.log/1"

#define APUS_LOG_ERROR ((int32_t)0)
#define APUS_LOG_WARNING ((int32_t)1)
#define APUS_LOG_INFO ((int32_t)2)
#define APUS_LOG_DEBUG ((int32_t)3)

/// Writes to the host's log, marked with the plugin's name.
typedef struct apus_host_log {
    uint32_t size; // sizeof(apus_host_log) where the host was compiled

    /// One line, without its end. `level` is one of APUS_LOG_…; another is taken for APUS_LOG_ERROR. Does not wait for a disk, and never fails; a line beyond 64 KiB is cut.
    /// [any & discovered, loaded, running, stopped]
    void (*APUS_NONNULL write)(void *APUS_NULLABLE context, int32_t level, apus_borrowed message);
} apus_host_log;

#define APUS_HOST_OBJECTS "apus.host.objects/1"

/// Names one object, or all of a kind when `name` is empty. `resource` is `group/version/plural`, the core group is left out: `v1/pods`, `apps/v1/deployments`.
/// `subresource` is empty for the object itself.
typedef struct apus_object_ref {
    uint32_t size; // sizeof(apus_object_ref) where the plugin was compiled
    apus_borrowed resource;
    apus_borrowed namespace_; // empty for cluster-scoped kinds, and for "all namespaces" in a list
    apus_borrowed name;
    apus_borrowed subresource;
} apus_object_ref;

/// Takes one object after another: the component lends it to `list` and `dependents`.
typedef struct apus_object_sink {
    uint32_t size; // sizeof(apus_object_sink) where the plugin was compiled
    void *APUS_NULLABLE context;
    /// Called by the host during the call it was lent for, on its thread. Returns zero to go on, anything else to end the list early, which then answers OK.
    /// [any & loaded, running]
    int32_t (*APUS_NONNULL next)(void *APUS_NULLABLE context, apus_borrowed object);
} apus_object_sink;

#define APUS_PATCH_JSON ((int32_t)0)
#define APUS_PATCH_MERGE ((int32_t)1)
#define APUS_PATCH_STRATEGIC ((int32_t)2)

/// The API, acting as the user `system:plugin:<name>` with the manifest's rules. Objects are JSON as the API serves it.
/// A write answers with the object as committed; a refusal answers with a Kubernetes `Status` and one of NOT_FOUND, ALREADY_EXISTS, CONFLICT, FORBIDDEN, INVALID,
/// UNAVAILABLE or FAULT. `list` and `dependents`, whose sink takes objects only, answer with the status alone. What the manifest does not grant is FORBIDDEN, and counted in the
/// plugin's status.
///
/// All slots but `event` block until the API has answered. They may be called from `start` on, by every thread that may block: not from inside a slot of a scheduler policy,
/// where they are refused. When `stop` is called, calls that wait answer CANCELLED. The sinks are the component's own: the host calls them during the call only, on
/// its thread, with pieces that are lent for that long. They may call the host in turn; calls nest up to 16 deep.
typedef struct apus_host_objects {
    uint32_t size; // sizeof(apus_host_objects) where the host was compiled

    /// One object: from the shared cache when the manifest watches its kind, else fetched. A cached answer can be a moment old, but never older than what this
    /// component wrote itself: `get`, `list` and `dependents` see every write that was answered before.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL get)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, const apus_sink *APUS_NONNULL object);

    /// Every object of a kind that the label selector (`a=b,c in (d,e)`, may be empty) matches, from the same place as `get`, ordered by namespace and name.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL list)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed selector,
                                     const apus_object_sink *APUS_NONNULL objects);

    /// Every cached object with an owner reference to `uid`. An empty `resource` in `ref` means every watched kind.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL dependents)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed uid,
                                           const apus_object_sink *APUS_NONNULL objects);

    /// Makes `object`. An empty `name` in `ref` leaves the name to the object: its `metadata.name` or `generateName`.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL create)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed object,
                                       const apus_sink *APUS_NONNULL answer);

    /// Replaces the object; refused with CONFLICT when its resourceVersion is not the newest.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL update)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed object,
                                       const apus_sink *APUS_NONNULL answer);

    /// Changes what `patch` names and leaves the rest. `kind` is one of APUS_PATCH_…; another answers INVALID.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL patch)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, int32_t kind, apus_borrowed patch,
                                      const apus_sink *APUS_NONNULL answer);

    /// Deletes the object. `options` is a DeleteOptions as JSON, or empty. The answer is the object as it is from then on, or a `Status`.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL remove)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed options,
                                       const apus_sink *APUS_NONNULL answer);

    /// Records an Event about the object given as JSON, of which kind, apiVersion and metadata matter. `type` is `Normal` or `Warning`. Repeats are counted, not repeated. Returns
    /// at once and never fails: an Event is a courtesy. Needs no rule in the manifest.
    /// [worker & loaded, running]
    void (*APUS_NONNULL event)(void *APUS_NULLABLE context, apus_borrowed object, apus_borrowed type, apus_borrowed reason, apus_borrowed message);

    /// As `get`, but always from the API and never from the cache: for the question whether an object is really gone.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL fetch)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, const apus_sink *APUS_NONNULL object);
} apus_host_objects;

#ifdef __cplusplus
}
#endif
#endif
