internal import APIModel

/// The Secrets that a Pod names itself; not those that its volumes name.
enum PodSecrets {
    static func names(_ pod: Value) -> [String] {
        let spec = pod["spec"]
        let containers = spec["initContainers"].elements + spec["containers"].elements + spec["ephemeralContainers"].elements
        let names =
            spec["imagePullSecrets"].elements.map { $0["name"] }
            + containers.flatMap { container in
                container["envFrom"].elements.map { $0["secretRef"]["name"] }
                    + container["env"].elements.map { $0["valueFrom"]["secretKeyRef"]["name"] }
            } + spec["volumes"].elements.flatMap(named)
        return names.compactMap(\.string)
    }

    private static func named(by volume: Value) -> [Value] {
        let references = ["cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos"].map { volume[$0]["secretRef"]["name"] }
        return references + [
            volume["secret"]["secretName"], volume["azureFile"]["secretName"], volume["csi"]["nodePublishSecretRef"]["name"],
        ] + volume["projected"]["sources"].elements.map { $0["secret"]["name"] }
    }
}
