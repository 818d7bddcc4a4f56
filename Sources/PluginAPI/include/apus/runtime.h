#ifndef APUS_RUNTIME_H
#define APUS_RUNTIME_H
#include "apus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define APUS_RUNTIME "apus.runtime/1"

// What goes through a stream, by the numbers the Kubernetes remote-command protocol uses.
#define APUS_STREAM_STDIN ((int32_t)0)
#define APUS_STREAM_STDOUT ((int32_t)1)
#define APUS_STREAM_STDERR ((int32_t)2)
#define APUS_STREAM_ERROR ((int32_t)3) // to the host: one Status as JSON, last before the end
#define APUS_STREAM_RESIZE ((int32_t)4) // to the plugin: {"Width":80,"Height":24}
// A port-forward stream carries its bytes, in both directions, on channel 0 (to the plugin) and 1 (to the host).

#define APUS_STREAM_EXEC ((int32_t)1) // request: runtime.v1.ExecRequest
#define APUS_STREAM_ATTACH ((int32_t)2) // request: runtime.v1.AttachRequest
#define APUS_STREAM_PORT_FORWARD ((int32_t)3) // request: runtime.v1.PortForwardRequest with one port

// What a refused call was refused for: gRPC's codes, by their numbers.
#define APUS_CODE_CANCELLED ((int32_t)1)
#define APUS_CODE_UNKNOWN ((int32_t)2)
#define APUS_CODE_INVALID_ARGUMENT ((int32_t)3)
#define APUS_CODE_DEADLINE_EXCEEDED ((int32_t)4)
#define APUS_CODE_NOT_FOUND ((int32_t)5)
#define APUS_CODE_ALREADY_EXISTS ((int32_t)6)
#define APUS_CODE_PERMISSION_DENIED ((int32_t)7)
#define APUS_CODE_RESOURCE_EXHAUSTED ((int32_t)8)
#define APUS_CODE_FAILED_PRECONDITION ((int32_t)9)
#define APUS_CODE_ABORTED ((int32_t)10)
#define APUS_CODE_OUT_OF_RANGE ((int32_t)11)
#define APUS_CODE_UNIMPLEMENTED ((int32_t)12)
#define APUS_CODE_INTERNAL ((int32_t)13)
#define APUS_CODE_UNAVAILABLE ((int32_t)14)
#define APUS_CODE_DATA_LOSS ((int32_t)15)
#define APUS_CODE_UNAUTHENTICATED ((int32_t)16)

/// How the host hears from a stream it opened. Lent, with its context, from `open` until `ended` returns; a stream whose `open` did not answer OK never uses it.
typedef struct apus_stream_events {
    uint32_t size; // sizeof(apus_stream_events) where the host was compiled
    void *APUS_NULLABLE context;

    /// Bytes from the container. May block while the reader is slow. An empty piece ends the channel. One call at a time for a channel.
    /// [any & running]
    void (*APUS_NONNULL data)(void *APUS_NULLABLE context, int32_t channel, apus_borrowed bytes);

    /// Nothing follows. Called exactly once for each stream that `open` answered OK for, at the latest by `close` or `stop`, and after the last `data` has returned.
    /// [any & running, stopped]
    void (*APUS_NONNULL ended)(void *APUS_NULLABLE context);
} apus_stream_events;

/// Hears that a container or a sandbox changed. Lent, with its context, from `subscribe` until `stop` returns; a `subscribe` that did not answer OK never uses it.
typedef struct apus_runtime_events {
    uint32_t size; // sizeof(apus_runtime_events) where the host was compiled
    void *APUS_NULLABLE context;
    /// `sandbox` and `container` are ids; either may be empty when it is not known, and both mean "look at everything". Does not block.
    /// [any & running]
    void (*APUS_NONNULL changed)(void *APUS_NULLABLE context, apus_borrowed sandbox, apus_borrowed container);
} apus_runtime_events;

/// CRI v1 without the socket. A container and an image outlive the instance that made them: another, after a swap or a restart, lists and manages what it finds.
///
/// Deadlines: `timeout_ms` and 5 s more for `call`, none when it is zero; 30 s for `subscribe` and `open`; none for `send` and `close`. The manifest's `deadlineSeconds` takes the
/// place of those that there are.
typedef struct apus_runtime {
    uint32_t size; // sizeof(apus_runtime) where the plugin was compiled

    /// One CRI call. `method` is the name in the CRI protocol with its service: `RuntimeService/RunPodSandbox`, `ImageService/PullImage`. `request` is that method's request
    /// message of `runtime.v1` in protobuf; on OK the sink gets its response message, on anything else a sentence. What went wrong, in CRI's own terms, says `*code`, one of
    /// APUS_CODE_…, which is zero when called; left at zero, the status says it. A method the runtime does not have is UNSUPPORTED. `timeout_ms` is the runtime's to keep and
    /// zero means none. May block.
    /// [worker & running]
    apus_status (*APUS_NONNULL call)(void *APUS_NULLABLE self, apus_borrowed method, apus_borrowed request, int64_t timeout_ms, int32_t *APUS_NONNULL code,
                                     const apus_sink *APUS_NONNULL answer);

    /// From now on tells `events` of every change, until `stop`. `*reliable`, zero when called, becomes 1 when every change is told, so that the host need not look for itself but
    /// now and then. Called at most once. May be absent; then, and on anything but OK, the host looks for itself every second.
    /// [control & running]
    apus_status (*APUS_NULLABLE subscribe)(void *APUS_NULLABLE self, const apus_runtime_events *APUS_NONNULL events, int32_t *APUS_NONNULL reliable);

    /// Opens an exec, attach or port-forward stream; `kind` is one of APUS_STREAM_EXEC …. On OK `*stream` is its handle, which the host does not look into, until `close`; on
    /// anything else the sink gets a sentence and `*code` says what went wrong, as for `call`, and no `close` follows. `data` may be called before it returns. May be absent, with the two slots below.
    /// [worker & running]
    apus_status (*APUS_NULLABLE open)(void *APUS_NULLABLE self, int32_t kind, apus_borrowed request, const apus_stream_events *APUS_NONNULL events,
                                      void *APUS_NULLABLE *APUS_NONNULL stream, int32_t *APUS_NONNULL code, const apus_sink *APUS_NONNULL error);

    /// Sends to the container. Blocks while it cannot take more. An empty piece ends the channel. One call at a time for a stream. Anything but OK says that no more can be sent;
    /// the stream goes on until `ended`.
    /// [worker & running]
    apus_status (*APUS_NULLABLE send)(void *APUS_NULLABLE self, void *APUS_NULLABLE stream, int32_t channel, apus_borrowed bytes);

    /// Ends the stream if it has not ended, and gives the handle up. Exactly once for each stream; returns after `ended` was called. A `send` that blocks returns.
    /// [worker & running, stopped]
    void (*APUS_NULLABLE close)(void *APUS_NULLABLE self, void *APUS_NULLABLE stream);
} apus_runtime;

#ifdef __cplusplus
}
#endif
#endif
