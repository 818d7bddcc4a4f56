import APIModel
import OrderedCollections

/// Volumes, claims and classes.
enum StorageWarnings {
    /// Kinds of volumes that nothing mounts any more, in the order in which upstream looks for them.
    static let deprecatedSources = [
        ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
        ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
        ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
        ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
        ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
        ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
        ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
        ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
        ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
    ]

    /// As upstream spells them in warnings, where that is not the field's own name.
    static func spelled(_ source: String) -> String { source == "storageos" ? "storageOS" : source }

    private static let classAnnotation = "volume.beta.kubernetes.io/storage-class"
    private static let deprecatedAnnotations = [
        (classAnnotation, "deprecated since v1.8; use \"storageClassName\" attribute instead"),
        ("volume.beta.kubernetes.io/mount-options", "deprecated since v1.31; use \"mountOptions\" attribute instead"),
    ]

    static func volume(_ volume: Value) -> [String] {
        let spec = volume["spec"]
        var warnings = annotations(volume, deprecatedAnnotations)
        if spec["persistentVolumeReclaimPolicy"].string == "Recycle" {
            warnings.append(
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning."
            )
        }
        for (index, term) in spec[path: "nodeAffinity", "required", "nodeSelectorTerms"].elements.enumerated() {
            let path = FieldPath("spec.nodeAffinity.required.nodeSelectorTerms").index(index)
            warnings += NodeWarnings.term(term, checksValues: false, at: path)
        }
        // Volumes of Quobyte and Flocker are told of in pods alone.
        for (source, text) in deprecatedSources where !["quobyte", "flocker"].contains(source) && !spec[source].isNull {
            warnings.append("spec.\(spelled(source)): \(text)")
        }
        return warnings
    }

    static func claim(_ claim: Value) -> [String] {
        annotations(claim, Array(deprecatedAnnotations.prefix(1))) + claimSpec(claim["spec"], at: "spec")
    }

    static func claimSpec(_ spec: Value, at path: FieldPath) -> [String] {
        ["requests", "limits"].flatMap { list in fraction(spec["resources"][list], "storage", at: path.child("resources", list)) }
    }

    /// Tells of a number of bytes that is none.
    static func fraction(_ resources: Value, _ resource: String, at path: FieldPath) -> [String] {
        guard let quantity = resources[resource].quantity, !quantity.isWhole else { return [] }
        return ["\(path.key(resource)): fractional byte value \"\(quantity)\" is invalid, must be an integer"]
    }

    private static func annotations(_ object: Value, _ deprecated: [(String, String)]) -> [String] {
        deprecated.filter { !object["metadata"]["annotations"][$0.0].isNull }.map { "metadata.annotations[\($0.0)]: \($0.1)" }
    }

    static func storageClass(_ object: Value, _ old: Value?) -> [String] {
        object["allowedTopologies"].elements.enumerated().flatMap { index, topology in
            topology["matchLabelExpressions"].elements.enumerated().compactMap { position, expression in
                NodeWarnings.ofLabel(expression["key"].string ?? "").map {
                    "allowedTopologies[\(index)].matchLabelExpressions[\(position)].key: \($0)"
                }
            }
        }
    }

    static func capacity(_ object: Value, _ old: Value?) -> [String] {
        let topology = object["nodeTopology"]
        return NodeWarnings.term(topology, checksValues: false, at: "nodeTopology")
            + topology["matchLabels"].fields.keys.compactMap { name in
                NodeWarnings.ofLabel(name).map { "nodeTopology.matchLabels.\(name): \($0)" }
            }
    }

    static let driver: ObjectWarnings.Rule = { driver, old in
        let requests = driver["spec"]["tokenRequests"]
        guard !requests.isEmpty, driver["spec"]["serviceAccountTokenInSecrets"].isNull, old?["spec"]["tokenRequests"] != requests else {
            return []
        }
        return [
            "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes"
        ]
    }
}
