/// Services: how many there are, and how many node ports and load balancers they take.
struct ServiceQuota: QuotaEvaluator {
    private static let named: Set = ["count/services", "services", "services.nodeports", "services.loadbalancers"]

    func counts(_ resource: String) -> Bool { Self.named.contains(resource) }

    func usage(of service: Value, now: Whole) -> ResourceList {
        let spec = service["spec"]
        var nodePorts = 0
        var balancers: Int64 = 0
        switch spec["type"].string {
        case "NodePort": nodePorts = spec["ports"].elements.count
        case "LoadBalancer":
            balancers = 1
            // Where none are given out, only those that were asked for count.
            let ports = spec["ports"].elements
            nodePorts = spec["allocateLoadBalancerNodePorts"].bool == false ? ports.count { !$0["nodePort"].isEmpty } : ports.count
        default: break
        }
        return ResourceList([
            "count/services": .one, "services": .one, "services.nodeports": Quantity(value: Int64(nodePorts)),
            "services.loadbalancers": Quantity(value: balancers),
        ])
    }

    func mayUseMore(_ service: Value, than old: Value, subresource: String) -> Bool { subresource.isEmpty }

    func mayUseLess(_ service: Value, than old: Value, now: Whole) -> Bool { usage(of: service, now: now) != usage(of: old, now: now) }
}
