internal import APIModel

extension PodInfo {
    /// What an entry of a Pod's `spec.resourceClaims` leads to.
    enum DeviceClaimReference {
        /// - isOwn: whether it was made for the Pod alone.
        case claim(PodKey, isOwn: Bool)
        /// None has been made yet of the template.
        case missing
        /// It names neither a claim nor a template: there may be kinds that this version does not know.
        case unknown(entry: String)

        /// All but those for which none is needed.
        static func all(_ pod: Value, _ key: PodKey) -> [DeviceClaimReference] {
            pod["spec"]["resourceClaims"].elements.compactMap { entry in
                func claim(_ name: String, isOwn: Bool) -> DeviceClaimReference {
                    .claim(PodKey(namespace: key.namespace, name: name), isOwn: isOwn)
                }
                if let name = entry["resourceClaimName"].string { return claim(name, isOwn: false) }
                guard !entry["resourceClaimTemplateName"].isNull else { return .unknown(entry: entry["name"].string ?? "") }
                let made = pod["status"]["resourceClaimStatuses"].elements.first { $0["name"] == entry["name"] }
                guard let made else { return .missing }
                return made["resourceClaimName"].string.map { claim($0, isOwn: true) }
            }
        }
    }

    /// The claims that are known by name.
    var deviceClaimKeys: [PodKey] {
        deviceClaims.compactMap { if case .claim(let key, _) = $0 { key } else { nil } }
    }
}
