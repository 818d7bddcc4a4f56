import APIModel
import CEL
import Client
import Logging
import Store
import Synchronization

/// Serves what the CustomResourceDefinitions in the store define, says in their conditions how far they are, and empties those that go.
///
/// A definition is served before its condition Established says so. Costs, for each change of a definition, a look at every definition and
/// the making of one snapshot; the schemas of those that did not change are kept.
final class CustomKinds: Sendable {
    private static let collection = "apiextensions.k8s.io/customresourcedefinitions"

    private struct Compiled: Sendable {
        var mark: String
        var resources: [ResourceType]
        var rules: [GroupVersionResource: CustomRules]
    }

    private let registry: Registry
    /// By the definition's name.
    private let compiled = Mutex<[String: Compiled]>([:])

    init(_ registry: Registry) { self.registry = registry }

    /// Patterns in schemas take time in proportion to the text, whatever they say.
    static let patterns: CustomSchema.PatternCompiler = { text in
        let expression = try RegularExpression(text)
        return { expression.matches($0) }
    }

    /// Serves what there is. To be called before the first request.
    func start() async throws { _ = try await settle() }

    /// Follows the definitions, and empties those that go, until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                do {
                    var state = try await settle()
                    let watch = try registry.store.watch(Self.collection, after: state.revision)
                    repeat {
                        for definition in state.going where beginEmptying(definition) {
                            group.addTask { await self.empty(definition) }
                        }
                        guard try await watch.next() != nil else { return }
                        state = try await settle()
                    } while true
                } catch is CancellationError {
                    return
                } catch {
                    registry.log.error("custom kinds could not be brought up to date; trying again", metadata: ["error": "\(error)"])
                    try? await Task.sleep(for: .seconds(1))
                }
            }
        }
    }

    /// Brings what is served and the definitions' statuses up to the state of the store.
    /// - Returns: the revision of that state, and the definitions that are being deleted.
    private func settle() async throws -> (revision: UInt64, going: [Value]) {
        let listed = try registry.store.list(Self.collection)
        let definitions = listed.records.sorted { $0.createRevision < $1.createRevision }.map(\.object.value)
        var names = CustomNames(registry.served.kinds.catalogue)
        var wanted: [Value] = []
        var custom: [ResourceType] = []
        var rules: [GroupVersionResource: CustomRules] = [:]
        for definition in definitions {
            let settled = settled(definition, names.decide(definition))
            wanted.append(settled)
            guard Conditions.isTrue(settled["status"], type: "Established"), let compiled = compileNoted(settled) else { continue }
            custom += StorageVersionHash.noted(compiled.resources)
            rules.merge(compiled.rules) { $1 }
        }
        forget(except: Set(definitions.compactMap { $0[path: "metadata", "name"].string }))
        let kinds = registry.served.kinds
        registry.serve(kinds.next(custom: custom, groups: Kinds.Group.all(of: custom)), rules: rules)
        for (before, after) in zip(definitions, wanted) where before["status"] != after["status"] { try await write(after) }
        return (listed.revision, definitions.filter { !$0[path: "metadata", "deletionTimestamp"].isNull })
    }

    // MARK: Status

    private func settled(_ definition: Value, _ verdict: CustomNames.Verdict) -> Value {
        var definition = definition
        definition["status"]["acceptedNames"] = verdict.accepted
        Conditions.set(
            &definition["status"], type: "NamesAccepted", .init(verdict.isAccepted), reason: verdict.reason, message: verdict.message)
        // Once established, a definition stays so, whatever it asks for later.
        if !Conditions.isTrue(definition["status"], type: "Established") {
            if verdict.isAccepted {
                Conditions.set(
                    &definition["status"], type: "Established", true, reason: "InitialNamesAccepted",
                    message: "the initial names have been accepted")
            } else {
                Conditions.set(
                    &definition["status"], type: "Established", false, reason: "NotAccepted", message: "not all names are accepted")
            }
        }
        approval(&definition)
        return definition
    }

    /// Kinds in Kubernetes' own groups say who approved them.
    private func approval(_ definition: inout Value) {
        let group = definition[path: "spec", "group"].string ?? ""
        guard ApprovalPolicy.isProtected(group) else { return }
        let (isTrue, reason, message) = ApprovalPolicy.state(definition)
        Conditions.set(
            &definition["status"], type: "KubernetesAPIApprovalPolicyConformant", .init(isTrue), reason: reason, message: message)
    }

    private func target(_ definition: Value, subresource: String) throws -> Target {
        guard let storage = registry.served.storage(collection: Self.collection) else {
            throw APIError.internalError("definitions of custom kinds are not served")
        }
        return Target(
            storage: storage, namespace: "", name: definition[path: "metadata", "name"].string ?? "", subresource: subresource)
    }

    private func write(_ definition: Value) async throws {
        do {
            let (target, context) = (try target(definition, subresource: "status"), WriteContext(registry, user: .apiserver))
            _ = try await registry.modify(target, context) { current in
                guard current["metadata"]["uid"] == definition["metadata"]["uid"] else { return current }
                var changed = current
                changed["status"]["acceptedNames"] = definition["status"]["acceptedNames"]
                for condition in definition[path: "status", "conditions"].elements {
                    Conditions.set(
                        &changed["status"], type: condition["type"].string ?? "", .init(condition["status"].string == "True"),
                        reason: condition["reason"].string ?? "", message: condition["message"].string ?? "")
                }
                try await registry.keepManagedFields(&changed, old: current, target, context)
                return changed
            }
        } catch let error as APIError where error.reason == .notFound {
            // Gone meanwhile, and with it its status.
        }
    }

    // MARK: Resources

    /// Notes the definition while it is compiled; one over which the process ended more than once is not served.
    private func compileNoted(_ definition: Value) -> Compiled? {
        let (part, name) = ("definition", definition[path: "metadata", "name"].string ?? "")
        if registry.quarantine.holds(.apiServer, part: part, .customResourceDefinitions, name: name, Object(definition)) { return nil }
        return InHand.with(.apiServer, part: part, .customResourceDefinitions, name: name) { compile(definition) }
    }

    /// The compiled form of a definition, made again when what it is made of has changed.
    private func compile(_ definition: Value) -> Compiled? {
        let name = definition[path: "metadata", "name"].string ?? ""
        let isGoing = !definition[path: "metadata", "deletionTimestamp"].isNull
        let names = String(decoding: JSON.encode(definition["status"]["acceptedNames"]), as: UTF8.self)
        let stored = definition[path: "status", "storedVersions"].elements.count
        let metadata = definition["metadata"]
        let mark = "\(metadata["uid"].string ?? "")/\(metadata["generation"].int ?? 0)/\(stored)/\(isGoing)/\(names)"
        if let known = compiled.withLock({ $0[name] }), known.mark == mark { return known }
        do {
            var resources = try ResourceType.custom(definition, patterns: Self.patterns)
            if isGoing { for index in resources.indices { resources[index].verbs.removeAll { $0 == "create" } } }
            var rules: [GroupVersionResource: CustomRules] = [:]
            for resource in resources {
                if let schema = resource.custom?.published,
                    let found = try ExpressionMetrics.shared.compiling({ try CustomRules.make(schema) })
                {
                    rules[resource.groupVersionResource] = found
                }
            }
            let made = Compiled(mark: mark, resources: resources, rules: rules)
            compiled.withLock { $0[name] = made }
            return made
        } catch {
            registry.log.error("a custom kind cannot be served", metadata: ["definition": "\(name)", "error": "\(error)"])
            return nil
        }
    }

    private func forget(except names: Set<String>) { compiled.withLock { $0 = $0.filter { names.contains($0.key) } } }

    // MARK: Going

    /// The uids of the definitions that are being emptied.
    private let emptying = Mutex<Set<String>>([])

    /// Whether nobody does it yet.
    private func beginEmptying(_ definition: Value) -> Bool {
        guard definition[path: "metadata", "finalizers"].elements.contains(.string(CustomResourceDefinitionStrategy.cleanup)) else {
            return false
        }
        return emptying.withLock { $0.insert(definition[path: "metadata", "uid"].string ?? "").inserted }
    }

    /// Deletes the objects of a definition that is being deleted, waits for those that finalizers hold, then lets it go.
    private func empty(_ definition: Value) async {
        defer { emptying.withLock { _ = $0.remove(definition[path: "metadata", "uid"].string ?? "") } }
        let plural = definition[path: "status", "acceptedNames", "plural"].string ?? ""
        let name = "\(definition[path: "spec", "group"].string ?? "")/\(plural)"
        while !Task.isCancelled {
            do {
                let watch = try registry.store.watch(name, after: registry.store.revision)
                defer { watch.cancel() }
                let context = WriteContext(registry, user: .apiserver)
                if Conditions.isTrue(definition["status"], type: "Established"), let storage = context.served.storage(collection: name) {
                    let all = Target(storage: storage, namespace: "", name: "")
                    _ = try await registry.deleteCollection(all, ListQuery(), DeleteOptions(), context)
                    guard try registry.store.list(name, limit: 1).records.isEmpty else {
                        _ = try await watch.next()
                        continue
                    }
                }
                return try await release(definition)
            } catch is CancellationError {
                return
            } catch {
                registry.log.error("a custom kind could not be emptied; trying again", metadata: ["kind": "\(name)", "error": "\(error)"])
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    private func release(_ definition: Value) async throws {
        do {
            _ = try await registry.modify(target(definition, subresource: ""), WriteContext(registry, user: .apiserver)) { current in
                guard current["metadata"]["uid"] == definition["metadata"]["uid"] else { return current }
                var changed = current
                changed["metadata"]["finalizers"] = .array(
                    current[path: "metadata", "finalizers"].elements.filter { $0.string != CustomResourceDefinitionStrategy.cleanup })
                return changed
            }
        } catch let error as APIError where error.reason == .notFound {
            // Gone already.
        }
    }
}

/// The rule that kinds in Kubernetes' own groups are approved by its community, or say that they are not.
enum ApprovalPolicy {
    static let annotation = "api-approved.kubernetes.io"

    static func isProtected(_ group: String) -> Bool {
        group == "k8s.io" || group == "kubernetes.io" || group.hasSuffix(".k8s.io") || group.hasSuffix(".kubernetes.io")
    }

    static func state(_ definition: Value) -> (isTrue: Bool, reason: String, message: String) {
        let value = definition[path: "metadata", "annotations"][annotation].string ?? ""
        if value.isEmpty {
            return (
                false, "MissingAnnotation",
                "protected groups must have approval annotation \"\(annotation)\", see https://github.com/kubernetes/enhancements/pull/1111"
            )
        }
        if value.hasPrefix("unapproved") { return (false, "UnapprovedAnnotation", "not approved: \"\(value)\"") }
        if value.hasPrefix("https://") || value.hasPrefix("http://") { return (true, "ApprovedAnnotation", "approved in \(value)") }
        return (
            false, "InvalidAnnotation",
            "protected groups must have approval annotation \"\(annotation)\" with either a URL or a reason starting with \"unapproved\", see https://github.com/kubernetes/enhancements/pull/1111"
        )
    }
}
