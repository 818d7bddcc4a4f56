#ifndef APUS_SCHEDULER_POLICY_H
#define APUS_SCHEDULER_POLICY_H
#include "apus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define APUS_SCHEDULER_POLICY "apus.scheduler-policy/1"

/// A string known to the host by number: equal strings have equal numbers, different ones different numbers. Zero is the empty string; a string that no Node uses may still
/// have a number, which then matches nothing.
///
/// A number stands for its text as long as something that is lent holds it, the columns or the Pod of the call, and beyond that while `apus_nodes.string_epoch` stays the same.
/// So what a policy notes of numbers, for itself, is good until the epoch changes, and has to be looked up anew then: a number that nothing used any more may stand for another
/// text. The epoch changes seldom: when so many strings went out of use that it pays to take their numbers back.
typedef uint32_t apus_string;

/// Rows of variable length in one array: row `i` is the `counts[i]` elements from `starts[i]` on. They may lie in any order, with gaps between them.
typedef struct apus_ranges {
    const uint32_t *APUS_NONNULL starts;
    const uint32_t *APUS_NONNULL counts;
} apus_ranges;

typedef struct apus_label {
    apus_string key;
    apus_string value;
} apus_label;

#define APUS_EFFECT_NO_SCHEDULE ((int32_t)1)
#define APUS_EFFECT_PREFER_NO_SCHEDULE ((int32_t)2)
#define APUS_EFFECT_NO_EXECUTE ((int32_t)3)

typedef struct apus_taint {
    apus_string key;
    apus_string value;
    int32_t effect;
} apus_taint;

#define APUS_PROTOCOL_TCP ((int32_t)1)
#define APUS_PROTOCOL_UDP ((int32_t)2)
#define APUS_PROTOCOL_SCTP ((int32_t)3)

typedef struct apus_host_port {
    int32_t protocol;
    int32_t port;
    apus_string ip; // empty means every address
} apus_host_port;

/// The kinds of resource with a fixed column; every other resource that a Node offers, that a Pod on a Node holds or that the Pod of the call asks for follows, in the order of
/// `apus_nodes.resources`. Which column that is may be another in each call. A resource that no Node offers has zero allocatable everywhere.
#define APUS_RESOURCE_CPU ((uint32_t)0) // thousandths of a core
#define APUS_RESOURCE_MEMORY ((uint32_t)1) // bytes
#define APUS_RESOURCE_EPHEMERAL_STORAGE ((uint32_t)2) // bytes
#define APUS_RESOURCE_PODS ((uint32_t)3) // how many

/// How many volumes of a CSI driver a Node can have attached, as its CSINode says, and has: those of the Pods there and of VolumeAttachments, each once.
typedef struct apus_volume_limit {
    apus_string driver;
    int32_t limit;
    int32_t attached;
} apus_volume_limit;

/// Which rows of a table changed: of all `count` changes since the table was made, the last `capacity` are kept, that of number `i` as `rows[i % capacity]`. Whoever noted something of
/// the rows when there were fewer changes brings it up to date with these rows alone, in the time of the change; after more than `capacity` changes all rows have to be looked at.
/// A row that changed often may stand there often.
typedef struct apus_changes {
    uint64_t count;
    uint32_t capacity;
    uint32_t reserved;
    const uint32_t *APUS_NONNULL rows;
} apus_changes;

typedef struct apus_pods apus_pods;
typedef struct apus_namespaces apus_namespaces;

/// All Nodes, as columns. Index `i` means the same Node in every array, for the whole scheduling cycle. A Node that was deleted leaves a hole: its bit is clear
/// in the `feasible` set that a slot is given, its name is the empty string, and its other values mean nothing.
///
/// All of it is read-only memory that the host shares with isolated policies, valid for the call only: between calls arrays grow, move and change. No pointer is null, also where
/// there are no Nodes; a row may be empty.
typedef struct apus_nodes {
    uint32_t size; // sizeof(apus_nodes) where the host was compiled
    uint32_t count;
    uint64_t generation; // grows with every change of any column
    const apus_string *APUS_NONNULL names;

    uint32_t resource_count;
    const apus_string *APUS_NONNULL resources; // names of the resource columns
    const int64_t *APUS_NONNULL const *APUS_NONNULL allocatable; // [resource][node]
    const int64_t *APUS_NONNULL const *APUS_NONNULL requested; // [resource][node], of all Pods assumed or bound there
    const int64_t *APUS_NONNULL nonzero_cpu; // as `requested`, counting 100m for a container that asks for none: for scoring
    const int64_t *APUS_NONNULL nonzero_memory; // likewise, counting 200 MiB

    const uint8_t *APUS_NONNULL unschedulable; // 1 where spec.unschedulable
    apus_ranges label_ranges;
    const apus_label *APUS_NONNULL labels; // ordered by key within a Node
    apus_ranges taint_ranges;
    const apus_taint *APUS_NONNULL taints;
    apus_ranges port_ranges;
    const apus_host_port *APUS_NONNULL ports; // in use on the Node
    apus_ranges volume_limit_ranges; // by driver; one without a limit has no row
    const apus_volume_limit *APUS_NONNULL volume_limits;
    apus_ranges feature_ranges;
    const apus_string *APUS_NONNULL features; // status.declaredFeatures

    /// The text behind every number: for reasons that quote a taint, for labels compared as numbers, for finding the number of a configured string. Numbers that stand for
    /// nothing just now have an empty text. The array and the bytes may move between calls.
    const apus_borrowed *APUS_NONNULL strings; // [apus_string]
    uint32_t string_count;
    uint32_t live_count; // Nodes that are no holes
    uint64_t string_epoch; // grows when numbers are taken back: what was noted of any of them is to be looked up anew

    uint64_t identity; // of this table and of those of Pods and Namespaces: what was noted of tables with another identity means nothing here
    apus_changes changes; // of Nodes that came, went or are other than they were: all but what Pods hold there
    apus_changes touched; // of Nodes that `changes` has, and of those where a Pod came, went or changed: a policy that looks at nothing beside a Node finds here where to look again
    const apus_pods *APUS_NONNULL pods;
    const apus_namespaces *APUS_NONNULL namespaces;
} apus_nodes;

/// The labels of all Namespaces, for selectors of Namespaces. Lent as apus_nodes is.
struct apus_namespaces {
    uint32_t size; // sizeof(apus_namespaces) where the host was compiled
    uint32_t count;
    apus_changes changes;
    const apus_string *APUS_NONNULL names; // empty in a hole
    apus_ranges label_ranges;
    const apus_label *APUS_NONNULL labels; // ordered by key within a Namespace
};

#define APUS_OPERATOR_IN ((int32_t)1)
#define APUS_OPERATOR_NOT_IN ((int32_t)2)
#define APUS_OPERATOR_EXISTS ((int32_t)3)
#define APUS_OPERATOR_DOES_NOT_EXIST ((int32_t)4)
#define APUS_OPERATOR_GREATER ((int32_t)5)
#define APUS_OPERATOR_LESS ((int32_t)6)
#define APUS_OPERATOR_EQUAL ((int32_t)7) // tolerations only

/// `key operator values`. With GREATER and LESS, `number` holds the one value. `on_name` is 1 when `key` is a field (metadata.name) and not a label.
typedef struct apus_requirement {
    apus_string key;
    int32_t op;
    int32_t on_name;
    uint32_t value_count;
    const apus_string *APUS_NULLABLE values;
    int64_t number;
} apus_requirement;

/// Requirements that must all hold. A term without any matches nothing.
typedef struct apus_term {
    uint32_t requirement_count;
    int32_t weight; // of a preferred term; 0 in a required one
    const apus_requirement *APUS_NULLABLE requirements;
} apus_term;

typedef struct apus_toleration {
    apus_string key; // empty with EXISTS tolerates every taint
    apus_string value;
    int32_t op; // EQUAL or EXISTS
    int32_t effect; // 0 means every effect
} apus_toleration;

/// Which Pods, or Namespaces, are meant: those whose labels satisfy every requirement. Without any, all of them; where there is no selector at all, none.
typedef struct apus_selector {
    int32_t is_present; // 1, or 0 where there is no selector
    uint32_t requirement_count;
    const apus_requirement *APUS_NULLABLE requirements;
} apus_selector;

/// A term of podAffinity or podAntiAffinity: Pods of these namespaces that `selector` means, on Nodes with the same value of the label `topology_key`.
typedef struct apus_pod_term {
    apus_string topology_key;
    int32_t weight; // of a preferred term; 0 in a required one
    uint32_t namespace_count;
    uint32_t reserved;
    const apus_string *APUS_NULLABLE namespaces; // the Pod's own where the term says nothing
    apus_selector namespace_selector; // the Namespaces it means count beside those of `namespaces`
    apus_selector selector; // with what matchLabelKeys and mismatchLabelKeys ask for
} apus_pod_term;

/// What Pods have in common that others look at when they choose their Nodes. Pods made from one template are of one class, as a rule, so what is found out about a class once holds
/// for all its Pods. The arrays are as those of apus_pod.
typedef struct apus_pod_class {
    uint64_t serial; // of the class that has this row now, never given to another; zero in a hole
    apus_string namespace_;
    uint32_t label_count; // ordered by key
    uint32_t affinity_count;
    uint32_t anti_affinity_count;
    uint32_t preferred_affinity_count;
    uint32_t preferred_anti_affinity_count;
    const apus_label *APUS_NULLABLE labels;
    const apus_pod_term *APUS_NULLABLE affinity;
    const apus_pod_term *APUS_NULLABLE anti_affinity;
    const apus_pod_term *APUS_NULLABLE preferred_affinity;
    const apus_pod_term *APUS_NULLABLE preferred_anti_affinity;
} apus_pod_class;

/// How much of one resource, in the unit of its column.
typedef struct apus_amount {
    apus_string resource;
    uint32_t reserved;
    int64_t amount;
} apus_amount;

#define APUS_NO_NODE ((uint32_t)0xffffffff)

/// All Pods that hold something on a Node, bound to it or assumed to be soon, as columns. Lent as apus_nodes is. A Pod that goes leaves a hole: its Node is APUS_NO_NODE and its other
/// values mean nothing. A Pod whose Node changes its labels counts as changed.
struct apus_pods {
    uint32_t size; // sizeof(apus_pods) where the host was compiled
    uint32_t count;
    apus_changes changes;
    const uint32_t *APUS_NONNULL nodes; // which Node of apus_nodes, or APUS_NO_NODE
    const apus_string *APUS_NONNULL names; // metadata.name
    const uint32_t *APUS_NONNULL classes; // which row of `class_rows`: namespace, labels and terms
    const int32_t *APUS_NONNULL priorities;
    const uint8_t *APUS_NONNULL terminating; // 1 where metadata.deletionTimestamp is set
    const int64_t *APUS_NONNULL starts; // status.startTime in seconds since 1970; zero while it has none
    apus_ranges request_ranges;
    const apus_amount *APUS_NONNULL requests; // what the Pod asks for; pods, which counts 1, is left out

    uint32_t class_count;
    uint32_t reserved;
    const apus_pod_class *APUS_NONNULL class_rows;
};

/// One of spec.topologySpreadConstraints, or, for a Pod without any, of the cluster's default ones.
typedef struct apus_spread {
    apus_string topology_key;
    int32_t max_skew;
    int32_t min_domains; // 1 where the constraint says nothing
    int32_t is_required; // 1 for DoNotSchedule, 0 for ScheduleAnyway
    int32_t honors_affinity; // 1 when Nodes that nodeSelector and nodeAffinity rule out do not count
    int32_t honors_taints; // 1 when Nodes whose taints the Pod does not tolerate do not count
    int32_t is_default; // 1 for one of the cluster's: Nodes that lack its label count for the others
    uint32_t reserved;
    apus_selector selector; // with what matchLabelKeys asks for
} apus_spread;

#define APUS_VOLUME_BOUND ((int32_t)1) // where the claim's PersistentVolume can be reached from
#define APUS_VOLUME_ZONE ((int32_t)2) // where the labels of the PersistentVolume say that it is
#define APUS_VOLUME_UNBOUND ((int32_t)3) // where a volume can be found or made for a claim that waits for its first consumer
#define APUS_VOLUME_MISSING ((int32_t)4) // nowhere: the claim's PersistentVolume is not there
#define APUS_VOLUME_IN_USE ((int32_t)5) // nowhere: another Pod has a ReadWriteOncePod claim
#define APUS_VOLUME_DISK ((int32_t)6) // where nobody has the same disk mounted in a way that keeps the Pod's out; its claim is empty
#define APUS_VOLUME_SPACE ((int32_t)7) // where there is room for the volume that would be made, or one that is there can be reached from

/// A rule on Nodes that comes from one of the Pod's claims: one of the terms must match. The host has read the claim, its volume and its class; what there is no rule for may be
/// anywhere.
typedef struct apus_volume_rule {
    apus_string claim;
    int32_t kind;
    uint32_t term_count;
    uint32_t reserved;
    const apus_term *APUS_NULLABLE terms;
} apus_volume_rule;

/// A volume of a CSI driver that the Pod's claims need, and which Nodes have it attached already. Two that are one volume stand here once.
typedef struct apus_attachment {
    apus_string driver;
    uint32_t node_count;
    const uint32_t *APUS_NULLABLE nodes; // which Nodes of apus_nodes have it
} apus_attachment;

/// An image that the Pod needs, and who has it.
typedef struct apus_image {
    apus_string name; // as Nodes name it: with its tag or digest
    uint32_t uses; // how often the Pod names it
    int64_t size; // in bytes; zero while no Node has it
    uint32_t node_count;
    uint32_t version; // another one when other Nodes have it
    const uint32_t *APUS_NULLABLE nodes; // which Nodes of apus_nodes have it
} apus_image;

/// One Pod's needs, as the scheduler read them from its spec. An array may be null when its count is zero, and only then; so in what it leads to.
typedef struct apus_pod {
    uint32_t size; // sizeof(apus_pod) where the host was compiled
    int32_t priority;
    apus_borrowed namespace_;
    apus_borrowed name;
    apus_borrowed uid;
    apus_borrowed json; // the whole Pod, for what is not said here

    const int64_t *APUS_NONNULL requests; // request_count of them, in the order of apus_nodes.resources; pods counts 1
    uint32_t request_count; // apus_nodes.resource_count
    apus_string node_name; // spec.nodeName, or empty
    int64_t nonzero_cpu;
    int64_t nonzero_memory;

    uint32_t selector_count; // spec.nodeSelector
    uint32_t required_count; // nodeAffinity, required terms: one of them must match; none at all means no constraint
    uint32_t preferred_count; // nodeAffinity, preferred terms
    int32_t has_required; // 1 when required node affinity is present
    uint32_t toleration_count;
    uint32_t port_count;
    const apus_label *APUS_NULLABLE selector;
    const apus_term *APUS_NULLABLE required;
    const apus_term *APUS_NULLABLE preferred;
    const apus_toleration *APUS_NULLABLE tolerations;
    const apus_host_port *APUS_NULLABLE ports;

    apus_string namespace_string; // `namespace_` by number, as pod terms name namespaces
    int32_t may_preempt; // 1, or 0 for preemptionPolicy Never
    uint32_t label_count; // the Pod's own labels, ordered by key
    uint32_t affinity_count; // podAffinity, required terms: all of them must hold
    uint32_t anti_affinity_count; // podAntiAffinity, required terms: none of them may hold
    uint32_t preferred_affinity_count; // podAffinity, preferred terms
    uint32_t preferred_anti_affinity_count; // podAntiAffinity, preferred terms
    uint32_t spread_count; // topologySpreadConstraints
    uint32_t image_count; // of all containers and image volumes, each once
    uint32_t claim_count; // PersistentVolumeClaims by name, those of ephemeral volumes too
    const apus_label *APUS_NULLABLE labels;
    const apus_pod_term *APUS_NULLABLE affinity;
    const apus_pod_term *APUS_NULLABLE anti_affinity;
    const apus_pod_term *APUS_NULLABLE preferred_affinity;
    const apus_pod_term *APUS_NULLABLE preferred_anti_affinity;
    const apus_spread *APUS_NULLABLE spread;
    const apus_image *APUS_NULLABLE images;
    const apus_string *APUS_NULLABLE claims;

    uint32_t volume_rule_count;
    uint32_t container_count; // with init containers
    const apus_volume_rule *APUS_NULLABLE volume_rules;
    const apus_attachment *APUS_NULLABLE attachments;
    uint32_t attachment_count;

    /// A node affinity that the scheduler's configuration asks of all Pods of the profile: one of the terms must match, and its preferred terms stand among `preferred`.
    uint32_t added_required_count;
    const apus_term *APUS_NULLABLE added_required;
    int32_t has_added_required; // 1 where there is one
    apus_string scheduler_name; // of the profile that decides about the Pod
    /// What the configuration says of the profile, as JSON: which of upstream's plugins filter (`filter`), which give points and what these count for (`score`), and their arguments.
    /// Nothing at all is upstream's default. The same `profile_serial` stands for the same text, so that it is read once.
    apus_borrowed profile;
    uint64_t profile_serial;
    apus_string group; // spec.schedulingGroup.podGroupName, or empty
    uint32_t feature_count;
    const apus_string *APUS_NULLABLE features; // that a Node must declare, as the Pod's spec implies
    /// The same number stands for the same needs: all that is said here but `name`, `uid` and `json`, which are each Pod's own. It is never given to other needs; zero is no number.
    uint64_t needs_serial;
} apus_pod;

/// What may happen to the cluster that lets a refused Pod run: of these a policy adds up the ones that matter for its reason. A Pod is tried again when one of them happens, and every
/// five minutes whatever happens.
#define APUS_EVENT_NODE_ADDED ((int32_t)1)
#define APUS_EVENT_NODE_REMOVED ((int32_t)2)
#define APUS_EVENT_NODE_LABELS ((int32_t)4)
#define APUS_EVENT_NODE_TAINTS ((int32_t)8) // spec.unschedulable, too
#define APUS_EVENT_NODE_ALLOCATABLE ((int32_t)16)
#define APUS_EVENT_POD_ADDED ((int32_t)32) // on a Node, or with other labels than before
#define APUS_EVENT_POD_REMOVED ((int32_t)64) // from a Node: it went, or finished, or is being deleted
#define APUS_EVENT_NAMESPACE ((int32_t)128) // has other labels
#define APUS_EVENT_VOLUME ((int32_t)256) // a claim, a PersistentVolume or a StorageClass came or changed
#define APUS_EVENT_VOLUME_LIMITS ((int32_t)512) // a Node can have more volumes attached, or one was detached
#define APUS_EVENT_OBSERVED ((int32_t)1024) // an object came, changed or went that some policy observes
#define APUS_EVENT_NODE_FEATURES ((int32_t)2048) // a Node declares others

/// Takes, for one Node or for many, the reason it was refused. Reasons are counted into the Pod's `0/3 nodes are available: …` message, so they are short and do not
/// name the Node.
typedef struct apus_reasons {
    uint32_t size; // sizeof(apus_reasons) where the host was compiled
    void *APUS_NULLABLE context;
    /// `nodes` is a bit set of apus_nodes.count bits: the ones refused for this reason. `verdict` says whether preemption could help: UNSCHEDULABLE when such a Node would do
    /// if some of its Pods went, UNRESOLVABLE when it would not; of several verdicts on a Node, UNRESOLVABLE counts, and any other makes the call a FAULT. Only during the call it
    /// was lent for, and only on its thread. Everything is copied. `hints` are the APUS_EVENT_… that may let such a Node do, added up; 0 stands for all of them.
    /// [any & running]
    void (*APUS_NONNULL add)(void *APUS_NULLABLE context, const uint64_t *APUS_NONNULL nodes, apus_status verdict, apus_borrowed reason, int32_t hints);
} apus_reasons;

/// Takes what points are made of, one part after the other.
typedef struct apus_parts {
    uint32_t size; // sizeof(apus_parts) where the host was compiled
    void *APUS_NULLABLE context;
    /// Of one score, by name: its points before they are multiplied by `weight`, one element a Node; only those of feasible Nodes are read. Only during the call it was lent for, and
    /// only on its thread. Everything is copied.
    /// [any & running]
    void (*APUS_NONNULL add)(void *APUS_NULLABLE context, apus_borrowed name, int32_t weight, const int32_t *APUS_NONNULL points);
} apus_parts;

/// Ends the wait of Pods whose `permit` answered WAIT. Only those that wait for the policy it was lent to are meant; of any other uid nothing comes. What is said counts when the slot
/// has returned, in the order in which it was said; of what goes beyond 65,536 Pods in one call nothing comes, and it is counted as a FAULT.
typedef struct apus_waiting {
    uint32_t size; // sizeof(apus_waiting) where the host was compiled
    void *APUS_NULLABLE context;
    /// As far as this policy goes the Pod may be bound; it is when no other policy lets it wait. Only during the call it was lent for, and only on its thread. Everything is copied.
    /// [any & running]
    void (*APUS_NONNULL allow)(void *APUS_NULLABLE context, apus_borrowed uid);
    /// The Pod gives its place up, is told the reason, and looks for a Node again after its back-off. Otherwise as `allow`.
    /// [any & running]
    void (*APUS_NONNULL reject)(void *APUS_NULLABLE context, apus_borrowed uid, apus_borrowed reason);
} apus_waiting;

/// Which answers `affected` is about, added up.
#define APUS_ANSWER_FILTER ((int32_t)1)
#define APUS_ANSWER_SCORE ((int32_t)2)

/// A Pod that has no Node yet, as the queue knows it: nothing here needs the columns beside it.
typedef struct apus_queued_pod {
    uint32_t size; // sizeof(apus_queued_pod) where the host was compiled
    int32_t priority;
    apus_borrowed namespace_;
    apus_borrowed name;
    apus_borrowed uid;
    apus_borrowed group; // spec.schedulingGroup.podGroupName, or empty
    apus_borrowed json; // the whole Pod
    uint64_t order; // grows: of two Pods the one that came, or failed, first has the smaller
    uint32_t attempts; // how often a Node was looked for
    uint32_t reserved;
} apus_queued_pod;

/// Where a Pod may and where it should run. Slots are called on whole ranges of Nodes; but for `prebind` none may block or call the API: every other Pod waits meanwhile.
/// Their deadline is 1 s, that of `prebind` 10 minutes; the manifest's `deadlineSeconds` takes its place.
///
/// The loop calls, for one Pod: `prefilter`, then `filter` of every active policy in order, each on what the one before left; then `score` of every policy, whose
/// points are multiplied by the manifest's weight and added up. Any status but OK, UNSCHEDULABLE and UNRESOLVABLE ends the cycle, and the Pod is tried again after a back-off; so
/// do a bit that was clear and is set, and points outside 0 to `most_points`. A Pod that has a Node goes through `permit` of every policy; when none refuses it and none lets it wait any
/// more, through `prebind` of every policy, one after the other, and is bound. In `mode: Shadow` the same slots are called on the same columns, and the answers are compared, not used;
/// `less`, `permit`, `prebind` and `unreserve` are not called.
///
/// A policy keeps what it noted of Pods and objects for itself. An instance that takes the place of another, after a swap or when its process was started again, has noted nothing: it
/// is told of every object once, and asked for `permit` again about every Pod that waits.
typedef struct apus_scheduler_policy {
    uint32_t size; // sizeof(apus_scheduler_policy) where the plugin was compiled
    int32_t most_points; // what `score` gives a Node at most; 0 means 100. More than 100 for a policy that adds up several scores

    /// A look at the Pod alone. UNSCHEDULABLE and UNRESOLVABLE speak for every Node: the cycle ends with the sink's sentence as the reason. May be absent.
    /// [worker & running]
    apus_status (*APUS_NULLABLE prefilter)(void *APUS_NULLABLE self, const apus_pod *APUS_NONNULL pod, const apus_sink *APUS_NONNULL reason);

    /// Clears the bit of every Node this Pod may not run on. One call covers all Nodes: `feasible` has nodes->count bits, lowest first, in 64-bit words; only set bits
    /// matter. With `reasons` not null, says why for each cleared bit; the loop passes it only after a cycle that left no Node.
    /// UNSCHEDULABLE and UNRESOLVABLE speak for every Node, a fault ends the cycle; either way the sink gets one sentence.
    /// [worker & running]
    apus_status (*APUS_NULLABLE filter)(void *APUS_NULLABLE self, const apus_pod *APUS_NONNULL pod, const apus_nodes *APUS_NONNULL nodes,
                                        uint64_t *APUS_NONNULL feasible, const apus_reasons *APUS_NULLABLE reasons, const apus_sink *APUS_NONNULL error);

    /// Preference from 0 to `most_points` for every Node whose bit is set, one element a Node, written only on OK. May be absent.
    /// [worker & running]
    apus_status (*APUS_NULLABLE score)(void *APUS_NULLABLE self, const apus_pod *APUS_NONNULL pod, const apus_nodes *APUS_NONNULL nodes,
                                       const uint64_t *APUS_NONNULL feasible, int32_t *APUS_NONNULL points, const apus_sink *APUS_NONNULL error);

    /// What the points are made of that the last `score` gave: for people who ask why. Called right after that, with the same Pod, Nodes and set. May be absent: then the points are one
    /// part.
    /// [worker & running]
    apus_status (*APUS_NULLABLE explain)(void *APUS_NULLABLE self, const apus_pod *APUS_NONNULL pod, const apus_nodes *APUS_NONNULL nodes,
                                         const uint64_t *APUS_NONNULL feasible, const apus_parts *APUS_NONNULL parts, const apus_sink *APUS_NONNULL error);

    /// Whether the Pod may be bound now to the Node of index `node`, which was found for it: in the columns it counts there already. OK lets it, and so does a null slot. WAIT keeps its
    /// place on the Node until this policy allows or rejects it through an `apus_waiting`, at most for `*timeout_ms`: 15 minutes where it stays zero or is more, and below zero is a FAULT.
    /// UNSCHEDULABLE and UNRESOLVABLE give the place up; any other status does, too, as an error. The sink gets one sentence: for what it waits, or why it is refused. A Pod
    /// that waits is asked about again when other policies come to run, and then has no more time than before. May be absent.
    /// [worker & running]
    apus_status (*APUS_NULLABLE permit)(void *APUS_NULLABLE self, const apus_pod *APUS_NONNULL pod, const apus_nodes *APUS_NONNULL nodes, int32_t node,
                                        int64_t *APUS_NONNULL timeout_ms, const apus_waiting *APUS_NONNULL others, const apus_sink *APUS_NONNULL reason);

    /// A Pod that had a Node has none any more: some policy refused it, its time to wait was over, it went, or it could not be bound. Called once for each, whichever policy it was, also
    /// where this one was not asked about the Pod. May be absent.
    /// [worker & running]
    void (*APUS_NULLABLE unreserve)(void *APUS_NULLABLE self, apus_borrowed uid, const apus_waiting *APUS_NONNULL others);

    /// An object of a kind that the manifest lists under `policy.watches` came, changed or went, and the watch's filters let the change through. Both are JSON; `before` is empty for a new
    /// object, `after` for a deleted one. Every object that is there comes first, as new; some of them may come after the first Pods were decided. Changes of one kind keep their
    /// order, and none comes while another slot is called for a Pod. May be absent when nothing is watched.
    /// [worker & running]
    void (*APUS_NULLABLE observe)(void *APUS_NULLABLE self, apus_borrowed resource, apus_borrowed before, apus_borrowed after, const apus_waiting *APUS_NONNULL others);

    /// What a Pod may make other than it was for Pods like one that was decided before: sets the bit of every Node about which the slots that `answers` names may answer otherwise than when this
    /// slot was last called for a Pod with the same `needs_serial`. In `changed` those bits are set already whose Nodes `touched` has had since: a policy that looks at the needs and at one Node's columns at
    /// a time has nothing to add and returns OK. The host then asks `filter` and `score` about these Nodes alone and keeps what it has of the others; so an answer about a Node must not depend
    /// on which other bits are set, nor on `name`, `uid`, `json` or the time. Where points are relative to other Nodes', or nothing is known of the needs, all bits are to be set: then all is asked
    /// anew. Bits that are set may not be cleared. Any status but OK ends the cycle as that of `filter` does. Where one policy has no such slot all Nodes are judged each time.
    /// [worker & running]
    apus_status (*APUS_NULLABLE affected)(void *APUS_NULLABLE self, const apus_pod *APUS_NONNULL pod, const apus_nodes *APUS_NONNULL nodes,
                                          int32_t answers, uint64_t *APUS_NONNULL changed, const apus_sink *APUS_NONNULL error);

    /// Which of two Pods is tried first: `*is_less` is 0, and 1 is written where `left` comes before `right`; anything else is a FAULT. Only the policy is asked that the configuration
    /// names at `queueSort`. The order must be a strict one, the same whenever it is asked about the same two, since a place in the queue is not looked at again; an answer that is not
    /// OK is PrioritySort's: the higher `priority` first, then the smaller `order`. May be absent.
    /// [worker & running]
    apus_status (*APUS_NULLABLE less)(void *APUS_NULLABLE self, const apus_queued_pod *APUS_NONNULL left, const apus_queued_pod *APUS_NONNULL right,
                                      int32_t *APUS_NONNULL is_less, const apus_sink *APUS_NONNULL error);

    /// What has to be done before the Pod is bound to the Node of that name, which was found for it. This slot may block and call the host's services: it has a thread of its own, and
    /// many Pods are here at once. OK lets the Pod be bound. UNSCHEDULABLE and UNRESOLVABLE give its place up, as `permit` does, any other status as an error: every policy's
    /// `unreserve` follows, and the Pod waits with the sink's sentence as the reason. After the deadline the Pod gives its place up without the answer, and this may be called for it
    /// again while the earlier call is still there; what was done for a Pod that is tried again may have been done for another Node. May be absent.
    /// [worker & running]
    apus_status (*APUS_NULLABLE prebind)(void *APUS_NULLABLE self, const apus_queued_pod *APUS_NONNULL pod, apus_borrowed node, const apus_sink *APUS_NONNULL reason);
} apus_scheduler_policy;

#ifdef __cplusplus
}
#endif
#endif
