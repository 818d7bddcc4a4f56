import APIModel
import OrderedCollections

/// What the registry does to the metadata of every object.
enum ObjectMeta {
    /// Fills in the metadata of a new object; refuses what a client may not set.
    static func prepareForCreate(_ object: inout Value, _ target: Target) throws {
        var metadata = object["metadata"]
        if metadata["resourceVersion"].string.map({ !$0.isEmpty }) ?? false {
            throw APIError(code: 500, reason: .unknown, message: "resourceVersion should not be set on objects to be created")
        }
        try checkNamespace(metadata, target)
        if !target.name.isEmpty, !isNamedLater(target) {
            let name = metadata["name"].string ?? ""
            guard name.isEmpty || name == target.name else {
                throw APIError.badRequest("the name of the object (\(name)) does not match the name on the URL (\(target.name))")
            }
            metadata["name"] = .string(target.name)
        }
        if target.type.isNamespaced { metadata["namespace"] = .string(target.namespace) } else { metadata["namespace"] = .null }
        if (metadata["name"].string ?? "").isEmpty {
            let base = metadata["generateName"].string ?? ""
            // Without either, validation says so, with whatever else is wrong.
            if !base.isEmpty { metadata["name"] = .string(generatedName(base)) }
        }
        metadata["uid"] = .string(UniqueID.make())
        metadata["creationTimestamp"] = .string(Timestamp.now())
        for field in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"] {
            metadata[field] = .null
        }
        if target.storage.traits.contains(.generation), !Storage.isCountedFromTheFirstChange(target.storage.collection) {
            metadata["generation"] = 1
        }
        dropEmpty(&metadata)
        object["metadata"] = metadata
    }

    /// Puts back what an update may not change. The resourceVersion stays as the client gave it.
    static func prepareForUpdate(_ object: inout Value, old: Value, _ target: Target) throws {
        var metadata = object["metadata"]
        let before = old["metadata"]
        try checkNamespace(metadata, target)
        let name = metadata["name"].string ?? ""
        guard name.isEmpty || name == target.name else {
            throw APIError.badRequest("the name of the object (\(name)) does not match the name on the URL (\(target.name))")
        }
        let uid = metadata["uid"].string ?? ""
        if !uid.isEmpty, uid != before["uid"].string {
            throw target.conflict("Precondition failed: UID in precondition: \(uid), UID in object meta: \(before["uid"].string ?? "")")
        }
        let isDeleted = metadata["deletionTimestamp"]
        if before["deletionTimestamp"].isNull, !isDeleted.isNull {
            throw target.invalid([.invalid("metadata.deletionTimestamp", isDeleted, "field is immutable")])
        }
        for field in [
            "name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation",
        ] {
            metadata[field] = before[field]
        }
        metadata["selfLink"] = .null
        dropEmpty(&metadata)
        object["metadata"] = metadata
    }

    /// Tells of finalizers that anybody might have thought of.
    static func warnOfFinalizers(_ object: Value, old: Value?, _ target: Target, _ write: WriteContext) {
        guard target.type.custom != nil else { return }
        let before = old?[path: "metadata", "finalizers"].elements ?? []
        let added = object[path: "metadata", "finalizers"].elements.filter { !before.contains($0) }.compactMap(\.string).sorted()
        for name in added where ObjectMetaRules.isOfNobody(name) {
            let advice =
                "prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers"
            write.warn("metadata.finalizers: \(FieldError.quoted(name)): \(advice)")
        }
    }

    /// Leaves each owner once, and tells of those that stood there twice.
    /// - Parameter moment: a word on when that was found; empty before admission.
    static func dropTwinOwners(_ object: inout Value, _ write: WriteContext, _ moment: String = "") {
        let owners = object["metadata"]["ownerReferences"].elements
        guard owners.count > 1 else { return }
        var (kept, twins): ([Value], [String]) = ([], [])
        for owner in owners {
            if kept.contains(owner) { twins.append(owner["uid"].string ?? "") } else { kept.append(owner) }
        }
        guard !twins.isEmpty else { return }
        object["metadata"]["ownerReferences"] = .array(kept)
        let text =
            ".metadata.ownerReferences contains duplicate entries\(moment); API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: "
        write.warn(text + twins.joined(separator: ", "))
    }

    static let afterAdmission = " after mutating admission happens"

    private static func checkNamespace(_ metadata: Value, _ target: Target) throws {
        let namespace = metadata["namespace"].string ?? ""
        guard target.type.isNamespaced, !namespace.isEmpty, namespace != target.namespace else { return }
        throw APIError.foreignNamespace
    }

    private static func isNamedLater(_ target: Target) -> Bool { !target.subresource.isEmpty }

    private static func dropEmpty(_ metadata: inout Value) {
        for field in ["labels", "annotations", "ownerReferences", "finalizers"] where metadata[field].isEmpty { metadata[field] = .null }
    }

    /// `base` with five random characters; long bases are cut, as upstream does.
    static func generatedName(_ base: String) -> String { base.prefix(58) + randomSuffix() }

    /// Characters that make neither words nor look alike.
    static func randomSuffix() -> String {
        let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")
        return String((0..<5).map { _ in alphabet.randomElement() ?? "x" })
    }

    /// With `kind`, `apiVersion` and `metadata` first, however it came.
    static func ordered(_ object: Value, as type: ResourceType) -> Value {
        var fields: Value.Fields = [
            "kind": .string(type.kind), "apiVersion": .string(type.groupVersion.description), "metadata": object["metadata"],
        ]
        for (name, value) in object.fields where name != "kind" && name != "apiVersion" && name != "metadata" { fields[name] = value }
        return .object(fields)
    }
}

/// Random UUIDs in the form of RFC 9562, version 4.
enum UniqueID {
    /// A UUID of random bits. Two random numbers, since each asks the kernel.
    static func make() -> String {
        let high = UInt64.random(in: .min ... .max) & ~0xf000 | 0x4000
        let low = UInt64.random(in: .min ... .max) >> 2 | 1 << 63
        return String(unsafeUninitializedCapacity: 36) { text in
            var length = 0
            for index in 0..<32 {
                if index == 8 || index == 12 || index == 16 || index == 20 {
                    text[length] = UInt8(ascii: "-")
                    length += 1
                }
                let digit = UInt8(truncatingIfNeeded: (index < 16 ? high : low) >> UInt64(60 - index % 16 * 4) & 0xf)
                text[length] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                length += 1
            }
            return length
        }
    }
}

extension APIError {
    static let foreignNamespace = badRequest("the namespace of the provided object does not match the namespace sent on the request")
}
