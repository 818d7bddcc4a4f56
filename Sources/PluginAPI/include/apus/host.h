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

#define APUS_WRITE_DRY_RUN ((uint32_t)1) // go through every check, write nothing
#define APUS_WRITE_FORCE ((uint32_t)2) // of `apply` alone: take over fields that others own
#define APUS_WRITE_STRICT ((uint32_t)4) // refuse fields that the kind does not have, and fields given twice

/// What a write may say beside its object. No pointer, and empty fields, say nothing.
typedef struct apus_write_options {
    uint32_t size; // sizeof(apus_write_options) where the plugin was compiled
    uint32_t flags; // of APUS_WRITE_…; an unknown one answers INVALID
    apus_borrowed field_manager; // who will own the fields that are written
    apus_borrowed uid; // the object that is there must have it, else CONFLICT
    apus_borrowed resource_version; // likewise
} apus_write_options;

/// The API, acting as the user `system:plugin:<name>` with the manifest's rules. Objects are JSON as the API serves it.
/// A write answers with the object as committed, or as a dry run would have; a refusal answers with a Kubernetes `Status` and one of NOT_FOUND, ALREADY_EXISTS, CONFLICT, FORBIDDEN, INVALID,
/// UNAVAILABLE or FAULT. `list` and `dependents`, whose sink takes objects only, answer with the status alone. What the manifest does not grant is FORBIDDEN, and counted in the
/// plugin's status.
///
/// All slots but `event` block until the API has answered. They may be called from `start` on, by every thread that may block: not from inside a slot of a scheduler policy,
/// or of an admission policy, where they are refused. When `stop` is called, calls that wait answer CANCELLED. The sinks are the component's own: the host calls them during the call only, on
/// its thread, with pieces that are lent for that long. They may call the host in turn; calls nest up to 16 deep.
typedef struct apus_host_objects {
    uint32_t size; // sizeof(apus_host_objects) where the host was compiled

    /// One object: from the shared cache when the manifest watches its kind, else fetched. A cached answer can be a moment old, but never older than what this
    /// component wrote itself: `get`, `list` and `dependents` see every write that was answered before, deletions and evictions included.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL get)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, const apus_sink *APUS_NONNULL object);

    /// Every object of a kind that both selectors match, from the same place as `get`, ordered by namespace and name. `labels` is a label selector (`a=b,c in (d,e)`), `fields` a
    /// field selector (`spec.nodeName=n1`); either may be empty. Of a kind that the manifest watches, `fields` asks for one value of one field that stands under
    /// `controller.indexes`, or of `metadata.name`; such a list costs what it finds, and one by a label that is indexed looks only at objects with that label. Any other field is INVALID.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL list)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed labels, apus_borrowed fields,
                                     const apus_object_sink *APUS_NONNULL objects);

    /// Every cached object with an owner reference to `uid`. An empty `resource` in `ref` means every watched kind. With a label selector in `orphans`, also every object of
    /// that one kind in that one namespace which it matches and nobody controls: what a controller may adopt, of a kind that the manifest lists under `controller.owns`. Each
    /// object comes once; then they are ordered by name.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL dependents)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed uid, apus_borrowed orphans,
                                           const apus_object_sink *APUS_NONNULL objects);

    /// Makes `object`. An empty `name` in `ref` leaves the name to the object: its `metadata.name` or `generateName`. There is nothing yet that a uid or a resourceVersion in
    /// `options` could be of: they answer INVALID.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL create)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed object,
                                       const apus_write_options *APUS_NULLABLE options, const apus_sink *APUS_NONNULL answer);

    /// Replaces the object; refused with CONFLICT when its resourceVersion is not the newest.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL update)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed object,
                                       const apus_write_options *APUS_NULLABLE options, const apus_sink *APUS_NONNULL answer);

    /// Changes what `patch` names and leaves the rest. `kind` is one of APUS_PATCH_…; another answers INVALID. A JSON patch has `test` for what must be so: a uid or a
    /// resourceVersion in `options` answers INVALID there.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL patch)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, int32_t kind, apus_borrowed patch,
                                      const apus_write_options *APUS_NULLABLE options, const apus_sink *APUS_NONNULL answer);

    /// Server-side apply: makes `object`, or brings what it names in line and leaves the rest, and says CONFLICT where another manager owns it. UNSUPPORTED where the API server has none.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL apply)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed object,
                                      const apus_write_options *APUS_NULLABLE options, const apus_sink *APUS_NONNULL answer);

    /// Deletes the object. `deletion` is a DeleteOptions as JSON, or empty; what `options` says takes the place of the same field there, and a field manager has no meaning. The
    /// answer is the object as it is from then on, or a `Status`.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL remove)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed deletion,
                                       const apus_write_options *APUS_NULLABLE options, const apus_sink *APUS_NONNULL answer);

    /// Records an Event about the object given as JSON, of which kind, apiVersion and metadata matter. `type` is `Normal` or `Warning`. Repeats are counted, not repeated. Returns
    /// at once and never fails: an Event is a courtesy. Needs no rule in the manifest.
    /// [worker & loaded, running]
    void (*APUS_NONNULL event)(void *APUS_NULLABLE context, apus_borrowed object, apus_borrowed type, apus_borrowed reason, apus_borrowed message);

    /// As `get`, but always from the API and never from the cache: for the question whether an object is really gone.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL fetch)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, const apus_sink *APUS_NONNULL object);

    /// Deletes every object of a kind, in one namespace or where none is named in all, that both selectors match; either may be empty. Needs the verb `deletecollection`, and a
    /// kind that has it: others answer UNSUPPORTED. `name` and `subresource` in `ref` are empty. `deletion` and `options` are those of `remove`, and hold for each object; a uid
    /// or a resourceVersion in `options` answers INVALID. A refusal of one ends it, and what was deleted until then stays deleted. `answer` gets a `Status` when it is refused, else nothing: a collection has no bound.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL remove_collection)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed labels, apus_borrowed fields,
                                                  apus_borrowed deletion, const apus_write_options *APUS_NULLABLE options, const apus_sink *APUS_NONNULL answer);

    /// As `list`, but always from the API and never from the cache: for the question whether there is really none. `fields` is any field selector that the API has for the kind.
    /// [worker & loaded, running]
    apus_status (*APUS_NONNULL fetch_list)(void *APUS_NULLABLE context, const apus_object_ref *APUS_NONNULL ref, apus_borrowed labels, apus_borrowed fields,
                                           const apus_object_sink *APUS_NONNULL objects);
} apus_host_objects;

#define APUS_HOST_KINDS "apus.host.kinds/1"

#define APUS_KIND_NAMESPACED ((uint32_t)1)
#define APUS_KIND_STORED ((uint32_t)2) // objects are kept in this version: of all kinds that show the same objects, one is marked so
#define APUS_KIND_SCALABLE ((uint32_t)4) // objects have the sub-resource `scale`

#define APUS_VERB_GET ((uint32_t)1)
#define APUS_VERB_LIST ((uint32_t)2)
#define APUS_VERB_WATCH ((uint32_t)4)
#define APUS_VERB_CREATE ((uint32_t)8)
#define APUS_VERB_UPDATE ((uint32_t)16)
#define APUS_VERB_PATCH ((uint32_t)32)
#define APUS_VERB_DELETE ((uint32_t)64)
#define APUS_VERB_DELETE_COLLECTION ((uint32_t)128)

/// A kind of objects that the API serves, in one version.
typedef struct apus_kind {
    uint32_t size; // sizeof(apus_kind) where the host was compiled
    uint32_t flags; // of APUS_KIND_…
    uint32_t verbs; // of APUS_VERB_…
    uint32_t reserved;
    apus_borrowed resource; // `apps/v1/deployments`, as in apus_object_ref
    apus_borrowed group; // `apps`; empty for the core group
    apus_borrowed version; // `v1`
    apus_borrowed kind; // `Deployment`
} apus_kind;

/// Takes one kind after another: the component lends it to `list`.
typedef struct apus_kind_sink {
    uint32_t size; // sizeof(apus_kind_sink) where the plugin was compiled
    void *APUS_NULLABLE context;
    /// Called by the host during the call it was lent for, on its thread.
    /// [any & loaded, running]
    void (*APUS_NONNULL next)(void *APUS_NULLABLE context, const apus_kind *APUS_NONNULL kind);
} apus_kind_sink;

/// Which kinds there are: those that come with the host, and custom ones as they come and go. A controller hears of changes through `map_kinds`.
typedef struct apus_host_kinds {
    uint32_t size; // sizeof(apus_host_kinds) where the host was compiled

    /// Gives every kind, in the order of discovery: the preferred version of a group before the others. `*generation` is the number of the set that the caller knows, zero for
    /// none; while that is the newest, nothing is given. It becomes the number of the newest set, which grows with each change and means nothing to another process.
    /// [any & loaded, running]
    apus_status (*APUS_NONNULL list)(void *APUS_NULLABLE context, int64_t *APUS_NONNULL generation, const apus_kind_sink *APUS_NONNULL kinds);
} apus_host_kinds;

#ifdef __cplusplus
}
#endif
#endif
