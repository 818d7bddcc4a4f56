internal import APIModel

extension PodInfo {
    /// What an entry of a Pod's `spec.resourceClaims` leads to.
    enum DeviceClaimReference {
        /// - isOwn: whether it was made for the Pod alone.
        case claim(PodKey, isOwn: Bool)
        /// None has been made yet of the template.
        case missing
        case unknown(entry: String)

        /// All but those for which none is needed.
        static func all(_ pod: Value, _ key: PodKey) -> [DeviceClaimReference] {
            pod["spec"]["resourceClaims"].elements.compactMap { entry in
                switch PodResourceClaims.find(entry, of: pod) {
                case .named(let name): .claim(PodKey(namespace: key.namespace, name: name), isOwn: false)
                case .made(let name): .claim(PodKey(namespace: key.namespace, name: name), isOwn: true)
                case .skipped: nil
                case .missing: .missing
                case .unknown: .unknown(entry: entry["name"].string ?? "")
                }
            }
        }
    }

    /// The claims that are known by name.
    var deviceClaimKeys: [PodKey] {
        deviceClaims.compactMap { if case .claim(let key, _) = $0 { key } else { nil } }
    }
}
