#ifndef APUS_PROXY_H
#define APUS_PROXY_H
#include "apus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define APUS_PROXY "apus.proxy/1"

/// An IPv4 address has `family` 4 and stands in the first four bytes, an IPv6 address has 6; 0 means none. One that stands for a network says how many bits of it count.
typedef struct apus_address {
    uint8_t bytes[16];
    uint8_t family;
    uint8_t prefix; // of a network; 0 where it is an address
    uint8_t reserved[2];
} apus_address;

#define APUS_ENDPOINT_READY ((uint32_t)1)
#define APUS_ENDPOINT_SERVING ((uint32_t)2)
#define APUS_ENDPOINT_TERMINATING ((uint32_t)4)
#define APUS_ENDPOINT_LOCAL ((uint32_t)8) // on this Node

typedef struct apus_endpoint {
    apus_address address;
    uint32_t port;
    uint32_t flags;
} apus_endpoint;

#define APUS_SERVICE_EXTERNAL_LOCAL ((uint32_t)1) // externalTrafficPolicy: Local
#define APUS_SERVICE_INTERNAL_LOCAL ((uint32_t)2) // internalTrafficPolicy: Local
#define APUS_SERVICE_CHANGED ((uint32_t)4) // new, or other than in the generation before

/// One port of one Service in one family of addresses: all of them, and those of endpoints, are of the ClusterIP's. What two of the numbers point into are arrays of `apus_services`; first and count never reach beyond their ends.
typedef struct apus_service_port {
    uint64_t id; // the same for the same namespace, name, port name and family while it is there; never given to another
    apus_borrowed namespace_;
    apus_borrowed name;
    apus_borrowed port_name; // may be empty
    int32_t protocol; // 6 TCP, 17 UDP, 132 SCTP
    uint32_t port;
    uint32_t node_port; // 0 means none
    uint32_t affinity_seconds; // 0 means no session affinity
    uint32_t flags;
    uint32_t health_check_node_port; // 0 means none
    apus_address cluster_ip;
    uint32_t external_first, external_count; // into `addresses`: externalIPs, and after them load-balancer addresses
    uint32_t endpoint_first, endpoint_count; // into `endpoints`: those that may get traffic. Those that are not ready get it only where no other is that the policy allows
    uint32_t balancer_count; // so many of the external addresses, the last ones, are a load balancer's
    uint32_t source_first, source_count; // into `addresses`, networks: who else comes to a load balancer's address is not let in; none means everybody is
} apus_service_port;

/// All that is wanted, whole, and what is new in it. An array may be null when its count is zero, and only then.
typedef struct apus_services {
    uint32_t size; // sizeof(apus_services) where the host was compiled
    uint32_t service_count;
    uint64_t generation; // grows by one with each call
    uint64_t previous; // the generation APUS_SERVICE_CHANGED and `removed` compare with; 0 the first time, and when everything must be written anew: then all are changed
    const apus_service_port *APUS_NULLABLE services; // ordered by id
    const apus_endpoint *APUS_NULLABLE endpoints;
    const apus_address *APUS_NULLABLE addresses;
    const uint64_t *APUS_NULLABLE removed; // ids that were in the previous generation and are no more, in ascending order
    uint32_t endpoint_count;
    uint32_t address_count;
    uint32_t removed_count;
    uint32_t node_address_count; // the Node's own addresses, first of `addresses`
    apus_borrowed pod_cidr; // of the cluster, `10.244.0.0/16`, or one of each family with a comma between; traffic from elsewhere to a ClusterIP is masqueraded
    uint32_t node_port_network_count; // so many of `addresses` after those are networks: node ports are at those of the machine's addresses that are in one of them; 0 leaves it to the plugin
    uint32_t reserved;
} apus_services;

/// Makes the kernel, or whatever carries the traffic, do what is wanted.
///
/// A swap hands the traffic over without a gap: the new instance gets everything in one `sync` with `previous` of zero while the old one's rules are still in force. Only
/// then, and only if the old instance is of another component, is the old one's `cleanup` called. Instances of one component share one set of rules, so `sync` must take
/// over what an earlier instance left, and two components must not use the same names in the kernel.
///
/// Deadlines: 30 s for each slot; the manifest's `deadlineSeconds` takes their place.
typedef struct apus_proxy {
    uint32_t size; // sizeof(apus_proxy) where the plugin was compiled

    /// Puts the wanted state in force, all of it or nothing: on OK it is in force, on anything else the state before still is and the sink gets one sentence; the loop
    /// then calls again with `previous` of zero. Also called every 20 s when nothing has changed: what somebody else took away is then to be put back. An instance's first call always has `previous` of zero, whatever was in place before. May block.
    /// [control & running]
    apus_status (*APUS_NONNULL sync)(void *APUS_NULLABLE self, const apus_services *APUS_NONNULL wanted, const apus_sink *APUS_NONNULL error);

    /// Removes everything the component ever put in place, this instance or another. Also called when the cluster is taken down, without a `start` or `sync` before it. OK when
    /// there was nothing to remove. Never called while another instance of the same component carries the traffic.
    /// [control & loaded, running, stopped]
    apus_status (*APUS_NONNULL cleanup)(void *APUS_NULLABLE self, const apus_sink *APUS_NONNULL error);
} apus_proxy;

#ifdef __cplusplus
}
#endif
#endif
