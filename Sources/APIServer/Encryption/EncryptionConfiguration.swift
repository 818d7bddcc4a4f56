import APIModel
import OrderedCollections

/// `--encryption-provider-config`: which resources are kept encrypted, and by which keys. The first provider of the first entry that has a
/// resource writes it; all of them read.
public struct EncryptionConfiguration: Sendable {
    /// One entry: resources, and what is done to them.
    struct Entry: Sendable {
        var resources: [String]
        var providers: [EncryptionProvider]

        /// - Parameter collection: `apps/deployments`, `/secrets`.
        func contains(_ collection: String) -> Bool {
            let parts = collection.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return false }
            return resources.contains { name in
                name == "*.*" || name == "*.\(parts[0])" || name == (parts[0].isEmpty ? "\(parts[1])" : "\(parts[1]).\(parts[0])")
            }
        }
    }

    let entries: [Entry]
    /// The plugins that keep keys, in the order of the file.
    let services: [KeyService]

    private static let versions = ["apiserver.config.k8s.io/v1"]

    /// - Throws: `ConfigurationProblem`, which never shows a key.
    public init(_ text: String) throws {
        entries = try ConfigurationFile.read(text, kind: "EncryptionConfiguration", versions: Self.versions) { file in
            let entries = try file.objects("resources") { entry in
                let resources = try entry.strings("resources")
                guard !resources.isEmpty else { throw entry.problem("resources", "at least one resource is required") }
                for (index, name) in resources.enumerated() { try Self.check(name, resources, "resources[\(index)]", entry) }
                let providers = try entry.objects("providers", EncryptionProvider.read).flatMap { $0 }
                guard !providers.isEmpty else { throw entry.problem("providers", "at least one provider is required") }
                return Entry(resources: resources, providers: providers)
            }
            guard !entries.isEmpty else { throw file.problem("resources", "at least one entry is required") }
            return entries
        }
        services = entries.flatMap { $0.providers.compactMap(\.service) }
        for (index, service) in services.enumerated() where services[..<index].contains(where: { $0.name == service.name }) {
            throw ConfigurationProblem("duplicate KMS provider name \(service.name), names must be unique")
        }
    }

    /// Upstream's notes of which addresses and ports are taken.
    private static let internals: Set = ["apiserveripinfo", "serviceipallocations", "servicenodeportallocations"]

    private static func check(_ name: String, _ all: [String], _ place: String, _ entry: ConfigurationFields) throws {
        func problem(_ what: String) -> ConfigurationProblem { entry.problem(place, "\(FieldError.quoted(name)): \(what)") }
        guard name == name.lowercased() else { throw problem("resource name should not contain capital letters") }
        guard name != "*" else {
            throw problem("use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources")
        }
        guard !internals.contains(name) else { throw problem("resources which do not have REST API/s cannot be encrypted") }
        guard !name.hasSuffix(".events.k8s.io") else {
            throw problem(
                "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file")
        }
        guard !name.hasSuffix(".extensions"), name != "extensions" else {
            throw problem("'extensions' group has been removed and cannot be used for encryption")
        }
        guard !name.hasPrefix("*") || name.hasPrefix("*.") else {
            throw problem("encrypting the same resource across groups is not supported")
        }
        guard all.count(where: { $0 == name }) == 1 else { throw problem("the same resource cannot be specified multiple times") }
        let group = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).dropFirst().first.map { String($0) } ?? ""
        let masks = ["*.*", "*.\(group)"].filter { $0 != name && all.contains($0) }
        guard masks.isEmpty else {
            throw problem(
                "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked")
        }
    }

    /// What is done to the records of a collection; `nil` for nothing.
    func entry(for collection: String) -> Entry? { entries.first { $0.contains(collection) } }
}
