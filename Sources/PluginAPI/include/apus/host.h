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
    uint32_t size;
    /// [any & loaded, running, stopped]
    void (*APUS_NONNULL write)(void *APUS_NULLABLE context, int32_t level, apus_borrowed message);
} apus_host_log;

#define APUS_HOST_OBJECTS "apus.host.objects/1"

/// Names one object, or all of a kind when `name` is empty. `resource` is `group/version/plural`, the core group is left out: `v1/pods`, `apps/v1/deployments`.
/// `subresource` is empty for the object itself.
typedef struct apus_object_ref {
    apus_borrowed resource;
    apus_borrowed namespace_; // empty for cluster-scoped kinds, and for "all namespaces" in a list
    apus_borrowed name;
    apus_borrowed subresource;
} apus_object_ref;

/// Takes one object after another. Returns zero to go on, anything else to end the list early.
typedef struct apus_object_sink {
    void *APUS_NULLABLE context;
    /// [any & running] Called during the call it was lent for, on its thread.
    int32_t (*APUS_NONNULL next)(void *APUS_NULLABLE context, apus_borrowed object);
} apus_object_sink;

#define APUS_PATCH_JSON ((int32_t)0)
#define APUS_PATCH_MERGE ((int32_t)1)
#define APUS_PATCH_STRATEGIC ((int32_t)2)

/// The API, acting as the user `system:plugin:<name>` with the manifest's rules. Objects are JSON as the API serves it.
/// A write answers with the object as committed; a refusal answers with a Kubernetes `Status` and one of NOT_FOUND, ALREADY_EXISTS, CONFLICT, FORBIDDEN, INVALID,
/// UNAVAILABLE or FAULT. All slots block; none may be called from `filter` or `score`.
typedef struct apus_host_objects {
    uint32_t size;

    /// One object: from the shared cache when the manifest watches its kind, else fetched. A cached answer can be a moment old, but never older than what this
    /// component wrote itself: `get`, `list` and `dependents` see every write that was answered before.
    /// [worker & running]
    apus_status (*APUS_NONNULL get)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, const apus_sink *APUS_NONNULL object);

    /// Every object of a kind that the label selector (`a=b,c in (d,e)`, may be empty) matches, from the same place as `get`, ordered by namespace and name.
    /// [worker & running]
    apus_status (*APUS_NONNULL list)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed selector,
                                     const apus_object_sink *APUS_NONNULL objects);

    /// Every cached object with an owner reference to `uid`. An empty `resource` in `ref` means every watched kind.
    /// [worker & running]
    apus_status (*APUS_NONNULL dependents)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed uid,
                                           const apus_object_sink *APUS_NONNULL objects);

    /// [worker & running]
    apus_status (*APUS_NONNULL create)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed object,
                                       const apus_sink *APUS_NONNULL answer);

    /// Replaces the object; refused with CONFLICT when its resourceVersion is not the newest.
    /// [worker & running]
    apus_status (*APUS_NONNULL update)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed object,
                                       const apus_sink *APUS_NONNULL answer);

    /// `kind` is one of APUS_PATCH_….
    /// [worker & running]
    apus_status (*APUS_NONNULL patch)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, int32_t kind, apus_borrowed patch,
                                      const apus_sink *APUS_NONNULL answer);

    /// `options` is a DeleteOptions as JSON, or empty.
    /// [worker & running]
    apus_status (*APUS_NONNULL remove)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed options,
                                       const apus_sink *APUS_NONNULL answer);

    /// Records an Event about the object given as JSON. `type` is `Normal` or `Warning`. Repeats are counted, not repeated.
    /// [worker & running]
    void (*APUS_NONNULL event)(void *APUS_NULLABLE context, apus_borrowed object, apus_borrowed type, apus_borrowed reason, apus_borrowed message);

    /// As `get`, but always from the API and never from the cache: for the question whether an object is really gone.
    /// [worker & running]
    apus_status (*APUS_NONNULL fetch)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, const apus_sink *APUS_NONNULL object);
} apus_host_objects;

#ifdef __cplusplus
}
#endif
#endif
