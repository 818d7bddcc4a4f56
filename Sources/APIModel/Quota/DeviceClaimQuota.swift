/// ResourceClaims: how many there are, and how many devices of each class they may come to hold.
struct DeviceClaimQuota: QuotaEvaluator {
    private static let count = "count/resourceclaims.resource.k8s.io"
    private static let ofClass = ".deviceclass.resource.k8s.io/devices"
    /// As many devices as one claim can hold.
    private static let most: Int64 = 32

    func counts(_ resource: String) -> Bool { resource == Self.count || resource.hasSuffix(Self.ofClass) }

    func usage(of claim: Value, now: Whole) -> ResourceList {
        var usage = ResourceList([Self.count: .one])
        for request in claim["spec"]["devices"]["requests"].elements {
            let alternatives = request["firstAvailable"].elements
            // Of several ways to be satisfied the worst counts, for each class.
            usage += (alternatives.isEmpty ? [request["exactly"]] : alternatives).reduce(ResourceList()) { $0.max(Self.devices($1)) }
        }
        return usage
    }

    private static func devices(_ request: Value) -> ResourceList {
        guard let name = request["deviceClassName"].string else { return ResourceList() }
        let count: Int64 =
            switch request["allocationMode"].string {
            case "ExactCount": request["count"].int?.int64 ?? 0
            case "All": most
            default: 0
            }
        return ResourceList([name + ofClass: Quantity(value: count)])
    }

    func mayUseMore(_ claim: Value, than old: Value, subresource: String) -> Bool { subresource.isEmpty }
}
