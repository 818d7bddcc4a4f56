import APIModel
import Logging
import Store

/// The APIServices of what this server answers for itself: one for each group and version, made when it begins to be served and taken away
/// when it ends. One that somebody made for a server of their own is left alone.
struct LocalServices: Sendable {
    let registry: Registry

    private static let managed = "kube-aggregator.kubernetes.io/automanaged"
    private static let definitions = "apiextensions.k8s.io/customresourcedefinitions"

    /// Keeps them until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for collection in [Self.definitions, Aggregation.collection] {
                group.addTask { await follow(collection) }
            }
        }
    }

    private func follow(_ collection: String) async {
        while !Task.isCancelled {
            do {
                let watch = try registry.store.watch(collection, after: registry.store.revision)
                repeat { try await settle() } while try await watch.next() != nil
                return
            } catch is CancellationError {
                return
            } catch {
                registry.log.error("APIServices of this server could not be kept; trying again", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    private func settle() async throws {
        let kinds = registry.served.kinds
        var wanted: [String: Value] = [:]
        for group in kinds.groups {
            for (index, version) in group.versions.enumerated() {
                let isBuiltin = kinds.catalogue.groups.contains { $0.name == group.name && $0.versions.contains(version) }
                let object = Self.object(GroupVersion(group: group.name, version: version), index: index, isBuiltin: isBuiltin)
                wanted[object[path: "metadata", "name"].string ?? ""] = object
            }
        }
        guard let storage = registry.served.storage(collection: Aggregation.collection) else { return }
        let present = registry.all(Aggregation.collection).map(\.value)
        let names = Set(present.compactMap { $0[path: "metadata", "name"].string })
        let write = WriteContext(registry, user: .apiserver)
        for (name, object) in wanted where !names.contains(name) {
            let target = Target(storage: storage, namespace: "", name: name)
            try await ignoring([.alreadyExists]) { _ = try await registry.create(target, object, write) }
        }
        for object in present {
            let name = object[path: "metadata", "name"].string ?? ""
            let target = Target(storage: storage, namespace: "", name: name)
            if !object[path: "metadata", "labels"][Self.managed].isNull, object["spec"]["service"].isNull, wanted[name] == nil {
                try await ignoring([.notFound]) { _ = try await registry.delete(target, DeleteOptions(), write) }
            } else if object["spec"]["service"].isNull, !Conditions.isTrue(object["status"], type: "Available") {
                try await sayAvailable(target)
            }
        }
    }

    private func sayAvailable(_ target: Target) async throws {
        var target = target
        target.subresource = "status"
        try await ignoring([.notFound]) {
            _ = try await registry.modify(target, WriteContext(registry, user: .apiserver)) { object in
                var object = object
                if object["spec"]["service"].isNull { Availability.local.set(in: &object) }
                return object
            }
        }
    }

    /// Somebody else may have been quicker.
    private func ignoring(_ reasons: Set<APIError.Reason>, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as APIError where reasons.contains(error.reason) {
            // Done already.
        }
    }

    /// Where a group stands in discovery; those that are not here stand behind.
    private static let priorities: [String: Int64] = [
        "": 18000, "apps": 17800, "events.k8s.io": 17750, "authentication.k8s.io": 17700, "authorization.k8s.io": 17600,
        "autoscaling": 17500, "batch": 17400, "certificates.k8s.io": 17300, "networking.k8s.io": 17200, "policy": 17100,
        "rbac.authorization.k8s.io": 17000, "storage.k8s.io": 16800, "apiextensions.k8s.io": 16700,
        "admissionregistration.k8s.io": 16700, "scheduling.k8s.io": 16600, "coordination.k8s.io": 16500, "node.k8s.io": 16300,
        "discovery.k8s.io": 16200, "flowcontrol.apiserver.k8s.io": 16100, "internal.apiserver.k8s.io": 16000, "resource.k8s.io": 15900,
        "storagemigration.k8s.io": 15800,
    ]

    private static func object(_ version: GroupVersion, index: Int, isBuiltin: Bool) -> Value {
        [
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": [
                "name": .string("\(version.version).\(version.group)"), "labels": [managed: isBuiltin ? "onstart" : "true"],
            ],
            "spec": [
                "group": version.group.isEmpty ? .null : .string(version.group), "version": .string(version.version),
                "groupPriorityMinimum": .int(isBuiltin ? priorities[version.group] ?? 15000 : 1000),
                "versionPriority": .int(isBuiltin ? max(1, 15 - 3 * Int64(index)) : 100),
            ],
        ]
    }
}
