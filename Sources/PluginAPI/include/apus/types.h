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

// # The tag on each slot: `[threads & states]`
//
// A *slot* is a function pointer of a table or of a structure that is lent. Its tag says from which threads it may be called, and in which states of the component.
//
//   control   One at a time: the host never calls two control slots of one instance at once, nor one slot twice; only `stop` may come while another does not return. The
//             thread may be another each time. Worker slots may be running meanwhile.
//   worker    Many at once, from many threads, the same slot too.
//   any       From every thread: one of the host's that stands in a slot, or one of the component's own.
//
//   discovered   until `create` has returned OK       loaded    from then on, until `start` has returned OK; `start` itself runs in this state
//   running      from then on, until `stop` returns   stopped   from then on, until `destroy` has returned
//
// The host keeps to the tags of a component's slots. A component that calls what the host lent from the wrong state is refused (CANCELLED after `stop`, UNAVAILABLE before
// `start`, nothing from a slot without a result), which is counted in the plugin's status with the last one's name. The threads the host calls from are its own and may block,
// except where a slot says that it must not.
//
// # What is lent
//
// Every pointer that is given to a function, with all that can be reached through it, is valid until that function returns, and not longer, unless its own comment says
// otherwise. Neither side frees or writes to what the other lent; what may be written to has no `const`. Memory that is given across is aligned as its type asks.
//
// # How structures grow
//
// Every structure that is given by a pointer of its own begins with `size`: `sizeof` where its maker was compiled, which the maker fills in. It may get more fields at its end
// in a later minor version. Its reader looks at `size` before it reads a field that was not there in 1.0, and takes what lies beyond for null or zero; one that is smaller than
// in 1.0 is refused. The host is never older than the library, so a library finds in the host's structures every field that it was compiled with.
//
// A row of an array, and `apus_borrowed`, which is given by value, have no `size` and never change: what is to be said of each row beyond that comes as another array beside
// it, with one element a row. Fields named `reserved` are zero and are not read. Slots and fields are appended, never moved, and never change their meaning: a new meaning is
// a new extension (`apus.controller/2`), which a library may offer beside the old one.
//
// Constants are added, too, and keep their numbers. The host knows for which minor version a library was built, and gives it no status, kind or operator that this
// version did not have; of `flags` a library reads the bits that it knows.
//
// A new extension starts in `apus/draft/`, in a header that `apus.h` does not include. It may change in every version there, so a library that uses it is built for one host. When it
// has settled, its header moves up and its id stays.

/// Bytes lent for the duration of one call. Never NUL-terminated, never kept. `bytes` may be null when `count` is zero, and only then. Text is UTF-8; objects and
/// configuration that the host lends as JSON have no white space between tokens.
typedef struct apus_borrowed {
    const uint8_t *APUS_NULLABLE bytes;
    uint64_t count;
} apus_borrowed;

/// Takes bytes of any length from the callee, in one or more pieces, and copies them. Results have no other way out,
/// so that nothing is ever freed by the other side. What is written is for people: nobody decides by what a sentence says, but by the status beside it.
///
/// A sink that is lent for a sentence takes 64 KiB in all, one for an object or for a runtime's answer 64 MiB. What goes beyond is not kept: the call is a FAULT that says so,
/// and an isolated component is ended. Nobody need write into a sink; what was written before a status that is not for it is ignored.
typedef struct apus_sink {
    uint32_t size; // sizeof(apus_sink) where its owner was compiled
    void *APUS_NULLABLE context;
    /// Only during the call the sink was lent for, and only on its thread.
    /// [any & discovered, loaded, running, stopped]
    void (*APUS_NONNULL write)(void *APUS_NULLABLE context, apus_borrowed piece);
} apus_sink;

/// The outcome of a call. Zero is success; numbers are never reused. The host takes a number that is none of these for FAULT.
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
/// scheduler policy only: not as things are, but it might do if some Pods made room.
#define APUS_UNSCHEDULABLE ((apus_status)10)
/// scheduler policy only: not whichever Pods made room.
#define APUS_UNRESOLVABLE ((apus_status)11)
/// controller only: run this key again after the rate limiter's back-off.
#define APUS_RETRY ((apus_status)12)
/// admission only: the request is refused. The sink says why.
#define APUS_DENIED ((apus_status)13)
/// scheduler policy only, from `permit`: the Pod waits.
#define APUS_WAIT ((apus_status)14)

#ifdef __cplusplus
}
#endif
#endif
