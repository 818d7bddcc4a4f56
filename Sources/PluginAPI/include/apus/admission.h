#ifndef APUS_ADMISSION_H
#define APUS_ADMISSION_H
#include "apus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define APUS_ADMISSION "apus.admission/1"

#define APUS_OPERATION_CREATE ((int32_t)1)
#define APUS_OPERATION_UPDATE ((int32_t)2)
#define APUS_OPERATION_DELETE ((int32_t)3)
#define APUS_OPERATION_CONNECT ((int32_t)4)

#define APUS_REQUEST_DRY_RUN ((uint32_t)1) // nothing will be written

/// One request, as it is after authentication and authorization. What it is about is seen as the rule names it that matched: where a rule asks for `apps/v1`, a Deployment is
/// shown as `apps/v1` whichever version the client wrote.
typedef struct apus_admission_request {
    uint32_t size; // sizeof(apus_admission_request) where the host was compiled
    int32_t operation; // one of APUS_OPERATION_…
    uint32_t flags; // of APUS_REQUEST_…
    uint32_t reserved;
    apus_borrowed resource; // `apps/v1/deployments`, `v1/pods`
    apus_borrowed kind; // of `object`, `apps/v1/Deployment`; of a subresource its own, `autoscaling/v1/Scale`
    apus_borrowed subresource; // `status`; empty for the object itself
    apus_borrowed namespace_; // empty for cluster-scoped kinds; of a Namespace its own name
    apus_borrowed name; // empty for a create whose name is still to be made
    apus_borrowed user; // who asks, by name
    /// All that is told of the request beside the objects, as JSON: what a webhook gets as `request` of an AdmissionReview, without `uid`, `object` and `oldObject`. The user's uid, groups
    /// and extra are in `userInfo`, what the client asked for beside the object is in `options`.
    apus_borrowed request;
    apus_borrowed object; // as JSON; empty for a delete
    apus_borrowed old_object; // as JSON; empty for a create and a connect
    apus_borrowed namespace_object; // the Namespace as JSON; empty for cluster-scoped kinds, and where there is none
} apus_admission_request;

/// Takes what the client and the audit log are told beside the answer. All of one call's texts together may have 64 KiB; what goes beyond makes the call a FAULT.
typedef struct apus_admission_notes {
    uint32_t size; // sizeof(apus_admission_notes) where the host was compiled
    void *APUS_NULLABLE context;
    /// A warning for the client, one sentence. Only during the call it was lent for, and only on its thread.
    /// [any & running]
    void (*APUS_NONNULL warn)(void *APUS_NULLABLE context, apus_borrowed text);
    /// An annotation of the audit event, under `<plugin's name>/<key>`. Only during the call it was lent for, and only on its thread.
    /// [any & running]
    void (*APUS_NONNULL annotate)(void *APUS_NULLABLE context, apus_borrowed key, apus_borrowed value);
} apus_admission_notes;

/// Judges what is written before it is written: what a webhook does, without a server, a certificate and a network. The manifest says which requests it is asked about
/// (`admission.rules`, selectors, `matchConditions`), by which slots (`admission.phases`), and what becomes of a request when it cannot be asked (`admission.failurePolicy`).
///
/// Requests wait for it, on the threads that serve them: no slot may block, and from within one `apus.host.objects` is refused. A policy that needs to know other
/// objects reads them with a thread of its own, between `start` and `stop`. Whatever a slot does is done also for a request that somebody else refuses afterwards, and for dry runs: it
/// must have no effects.
///
/// A slot is called for one request at least once. OK lets the request go on, DENIED refuses it, and every other status is a failure: `failurePolicy` decides, `Fail` refuses and
/// `Ignore` lets it go on. With DENIED the sink's sentence is the reason the client gets, and `*code`, zero when called, may be the HTTP status of the answer, 400 to 599; zero means 403.
///
/// Nobody asks about objects of the kind Plugin: a policy that refuses everything must be possible to take back.
///
/// Deadline: 1 s for each slot; the manifest's `deadlineSeconds` takes its place.
typedef struct apus_admission {
    uint32_t size; // sizeof(apus_admission) where the plugin was compiled

    /// May change the object before it is checked. On OK the sink gets nothing, or a JSON patch (an array) of `object`, or the changed object whole. It is called a second time when
    /// another changed the object afterwards and the manifest says `reinvocationPolicy: IfNeeded`. What is made of an object must be the same when it is made again. May be absent.
    /// [worker & running]
    apus_status (*APUS_NULLABLE admit)(void *APUS_NULLABLE self, const apus_admission_request *APUS_NONNULL request, int32_t *APUS_NONNULL code,
                                       const apus_admission_notes *APUS_NONNULL notes, const apus_sink *APUS_NONNULL answer);

    /// May refuse the object as it will be written. May be absent, but not together with `admit`.
    /// [worker & running]
    apus_status (*APUS_NULLABLE validate)(void *APUS_NULLABLE self, const apus_admission_request *APUS_NONNULL request, int32_t *APUS_NONNULL code,
                                          const apus_admission_notes *APUS_NONNULL notes, const apus_sink *APUS_NONNULL reason);
} apus_admission;

#ifdef __cplusplus
}
#endif
#endif
