#ifndef APUS_TYPES_H
#define APUS_TYPES_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Every pointer in the ABI says whether it may be null: Swift sees an optional exactly where one is possible.
#if defined(__clang__)
#define APUS_NULLABLE _Nullable
#define APUS_NONNULL _Nonnull
#else
#define APUS_NULLABLE
#define APUS_NONNULL
#endif

// The tag on each slot says who may call it, and in which state of the component:
//   [control]  one caller at a time       [worker]  many threads at once       [any]  both
//   loaded: after `create`, before `start`   running: after `start`, before `stop`   stopped: after `stop`

/// Bytes lent for the duration of one call. Never NUL-terminated, never kept.
typedef struct apus_borrowed {
    const uint8_t *APUS_NULLABLE bytes;
    uint64_t count;
} apus_borrowed;

/// Takes bytes of any length from the callee, in one or more pieces, and copies them. Results have no other way out,
/// so that nothing is ever freed by the other side.
typedef struct apus_sink {
    void *APUS_NULLABLE context;
    /// [any & running] Called during the call the sink was lent for, on its thread.
    void (*APUS_NONNULL write)(void *APUS_NULLABLE context, apus_borrowed piece);
} apus_sink;

/// The outcome of a call. Zero is success; numbers are never reused.
typedef int32_t apus_status;

#define APUS_OK ((apus_status)0)
/// Something broke that the caller cannot mend; the sink, where there is one, says what.
#define APUS_FAULT ((apus_status)1)
/// The plugin does not offer this method or argument. The sink names it.
#define APUS_UNSUPPORTED ((apus_status)2)
/// The configuration, or an argument, is not acceptable. The sink names the field.
#define APUS_INVALID ((apus_status)3)
/// No such object.
#define APUS_NOT_FOUND ((apus_status)4)
/// An object of that name is there already.
#define APUS_ALREADY_EXISTS ((apus_status)5)
/// The object changed in between: read it again, then decide again.
#define APUS_CONFLICT ((apus_status)6)
/// The plugin's manifest does not grant this.
#define APUS_FORBIDDEN ((apus_status)7)
/// The call was given up: stopping, or its deadline passed.
#define APUS_CANCELLED ((apus_status)8)
/// Not now, perhaps later: the other side is not there.
#define APUS_UNAVAILABLE ((apus_status)9)
/// scheduler policy only: no Node can ever do, whatever else happens in the cluster.
#define APUS_UNSCHEDULABLE ((apus_status)10)
/// controller only: run this key again after the rate limiter's back-off.
#define APUS_RETRY ((apus_status)11)

#ifdef __cplusplus
}
#endif
#endif
