public import APIModel
public import PluginKit

/// Lets Services have addresses of a ServiceCIDR, and keeps one that is being deleted as long as addresses hang on it alone.
///
/// Rules: upstream `pkg/controller/servicecidrs`.
public struct ServiceCIDRController: Controller {
    private static let ranges = GroupVersionResource(group: "networking.k8s.io", version: "v1", resource: "servicecidrs")
    private static let addresses = GroupVersionResource(group: "networking.k8s.io", version: "v1", resource: "ipaddresses")
    private static let finalizer = "networking.k8s.io/service-cidr-finalizer"
    private static let allocated = "ipaddress.kubernetes.io/managed-by=ipallocator.k8s.io"
    /// How long a range stays after its deletion began, so that every API server has heard of it and gives out nothing from it any more.
    private static let graceSeconds: Whole = 10

    private let objects: Objects
    private let log: Log

    public init(_ host: Host, config: Value) {
        objects = host.objects
        log = host.log
    }

    /// Of an address that came or went, the ranges it hangs on; of a range that came, those that it overlaps.
    public func map(resource: String, before: Value, after: Value) -> [Key] {
        let object = after.isNull ? before : after
        do {
            let ranges = Ranges(try objects.list(Self.ranges))
            let names =
                resource == Self.addresses.description
                ? ranges.offering(object["metadata"]["name"].string ?? "") : ranges.overlapping(object)
            return names.map { Key(resource: Self.ranges.description, name: $0) }
        } catch {
            log.error("ranges could not be listed: \(error)")
            return []
        }
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let range = try objects.get(Self.ranges, name: key.name) else { return .done }
        let finalizers = range["metadata"]["finalizers"].elements
        if let since = range["metadata"]["deletionTimestamp"].time {
            let isNeeded = try Ranges(try objects.list(Self.ranges)).needs(range) {
                try objects.list(Self.addresses, selector: Self.allocated).compactMap { $0["metadata"]["name"].string }
            }
            if isNeeded {
                try setReady(
                    range, false, reason: "Terminating",
                    "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR")
                return .done
            }
            let left = since + Self.graceSeconds - Timestamp.nowSeconds()
            guard left <= 0 else { return .doneCheckAgain(afterMilliseconds: left * 1000) }
            if finalizers.contains(.string(Self.finalizer)) {
                try write(range) { $0["metadata"]["finalizers"] = .array(finalizers.filter { $0.string != Self.finalizer }) }
            }
            return .done
        }
        if !finalizers.contains(.string(Self.finalizer)) {
            try write(range) { $0["metadata"]["finalizers"] = .array(finalizers + [.string(Self.finalizer)]) }
        }
        do {
            try setReady(range, true, reason: "", "Kubernetes Service CIDR is ready")
        } catch let error as APIError {
            objects.event(
                range, .warning, reason: "KubernetesServiceCIDRError", message: "The ServiceCIDR Status can not be set to Ready=True")
            throw error
        }
        return .done
    }

    private func write(_ range: Value, _ change: (inout Value) -> Void) throws {
        var changed = range
        change(&changed)
        do { try objects.update(Self.ranges, changed) } catch let error as APIError where error.reason == .notFound {}
    }

    /// Applies the condition, so that whatever else the status has stays.
    private func setReady(_ range: Value, _ isReady: Bool, reason: String, _ message: String) throws {
        var status = range["status"]
        guard Conditions.set(&status, type: "Ready", .init(isReady), reason: reason, message: message) else { return }
        let condition = status["conditions"].elements.filter { $0["type"].string == "Ready" }
        try objects.apply(
            Self.ranges,
            [
                "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": ["name": range["metadata"]["name"]],
                "status": ["conditions": .array(condition)],
            ], subresource: "status", with: WriteOptions(fieldManager: "service-cidr-controller", force: true))
    }
}
