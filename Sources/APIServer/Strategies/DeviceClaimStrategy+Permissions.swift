import APIModel

// Who may write a claim's status may not write all of it: who has the devices is the scheduler's to say, and how they are their driver's.
// Upstream: `DRAResourceClaimGranularStatusAuthorization`.
extension DeviceClaimStrategy {
    /// - Throws: 422 that names the permission which is missing.
    static func authorize(_ claim: Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        let (status, before) = (claim["status"], old["status"])
        var errors: [FieldError] = []
        if status["allocation"] != before["allocation"] || status["reservedFor"] != before["reservedFor"] {
            let asked = attributes(target, write, "binding", verb: write.verb.rawValue, namespace: "", name: "")
            if let refusal = await refusal([asked], write) {
                errors.append(
                    .forbidden(
                        FieldPath("status.allocation"),
                        "changing status.allocation or status.reservedFor requires resource=\"resourceclaims/binding\", verb=\"\(asked.verb)\" permission: \(refusal)"
                    ))
            }
        }
        // With the devices goes all that is known of them.
        for driver in status["allocation"].isNull ? [] : changedDrivers(status["devices"], before["devices"]) {
            let places = isOn(node(of: status["allocation"]), write.user) ? ["associated-node", "arbitrary-node"] : ["arbitrary-node"]
            let asked = places.map {
                attributes(target, write, "driver", verb: "\($0):\(write.verb.rawValue)", namespace: target.namespace, name: driver)
            }
            if let refusal = await refusal(asked, write) {
                let verbs = asked.map(\.verb).joined(separator: " ")
                errors.append(
                    .forbidden(
                        FieldPath("status.devices"),
                        "changing status.devices requires resource=\"resourceclaims/driver\", verb=\"[\(verbs)]\" permission: \(refusal)"))
            }
        }
        if !errors.isEmpty { throw target.invalid(errors) }
    }

    private static func attributes(
        _ target: Target, _ write: WriteContext, _ subresource: String, verb: String, namespace: String, name: String
    ) -> Attributes {
        Attributes(
            user: write.user, verb: verb, group: target.type.group, resource: target.type.name, subresource: subresource,
            namespace: namespace, name: name)
    }

    /// What the first of them is refused with; `nil` when any is allowed.
    private static func refusal(_ asked: [Attributes], _ write: WriteContext) async -> String? {
        var first: String?
        for attributes in asked {
            do {
                try await write.registry.authorizer.require(attributes)
                return nil
            } catch {
                first = first ?? "\((error as? APIError)?.message ?? String(describing: error))"
            }
        }
        return first
    }

    /// The drivers of whose devices something is said that was not before, or not any more, sorted.
    private static func changedDrivers(_ new: Value, _ old: Value) -> [String] {
        func byDevice(_ devices: Value) -> [[String?]: Value] {
            let keyed = devices.elements.map { device in (["driver", "pool", "device", "shareID"].map { device[$0].string }, device) }
            return Dictionary(keyed, uniquingKeysWith: { $1 })
        }
        let (after, before) = (byDevice(new), byDevice(old))
        let changed = Set(after.keys).union(before.keys).filter { after[$0] != before[$0] }
        return Set(changed.compactMap { $0[0] }).sorted()
    }

    /// The one node where the devices are; `nil` when they may be on others.
    private static func node(of allocation: Value) -> String? {
        let terms = allocation[path: "nodeSelector", "nodeSelectorTerms"].elements
        guard terms.count == 1, terms[0]["matchExpressions"].isEmpty, terms[0]["matchFields"].elements.count == 1 else { return nil }
        let field = terms[0]["matchFields"][0]
        guard field["key"].string == "metadata.name", field["operator"].string == "In", field["values"].elements.count == 1 else {
            return nil
        }
        return field["values"][0].string
    }

    /// Whether the user is a pod's account on that node.
    private static func isOn(_ node: String?, _ user: UserInfo) -> Bool {
        guard let node, user.name.hasPrefix("system:serviceaccount:") else { return false }
        return user.extra["authentication.kubernetes.io/node-name"] == [node]
    }
}
