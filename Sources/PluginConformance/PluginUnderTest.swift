public import APIModel
internal import Glibc
public import PluginHost

/// One component of one library, and what the suite needs to know to try it.
public struct PluginUnderTest: Sendable {
    /// Where the library is.
    public let library: String
    /// A Plugin object: what the component is, its `config`, and for a controller what it watches and may do. `isolation: Process` is
    /// honoured.
    public let manifest: Value
    /// What the component is, as the manifest says.
    public let kind: ExtensionKind
    /// Controllers: objects to reconcile, beside those that the suite makes by itself.
    public var objects: [Value] = []
    /// Runtimes: an image that can be run, with `sh` and `sleep` in it. `nil` takes the first that the runtime lists, or else asks it to
    /// pull one.
    public var image: String?
    /// With `isolation: Process`: the `apus` that holds the plugin; this program when `nil`.
    public var childExecutable: String?

    /// With it everything is granted, and what is used is noted here.
    var recorder: RightsRecorder?

    var config: Value { manifest["spec"]["config"].isNull ? .emptyObject : manifest["spec"]["config"] }
    var component: String { manifest["spec"]["component"].string ?? name }
    var name: String { manifest["metadata"]["name"].string ?? "" }
    var isIsolated: Bool { manifest["spec"]["isolation"].string == "Process" }

    /// - Parameters:
    ///   - manifest: without one, the component is tried as the library describes it, with an empty configuration; a controller cannot do
    ///     without. - component: which one, where there is no manifest and the library has several.
    /// - Throws: `ConformanceError` when the library is not one, or the manifest is not whole.
    public init(library: String, manifest: Value? = nil, component: String? = nil) throws {
        let slash = library.lastIndex(of: "/")
        self.library = slash == nil ? "./" + library : library
        let file = String(library[(slash.map { library.index(after: $0) } ?? library.startIndex)...])
        var whole = try manifest ?? Self.describe(self.library, component)
        guard let kind = whole["spec"]["kind"].string.flatMap(ExtensionKind.init(rawValue:)) else {
            throw ConformanceError(
                "spec.kind of the manifest must be one of \(ExtensionKind.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        if let component { whole["spec"]["component"] = .string(component) }
        whole["spec"]["library"] = .string(file)
        // It runs here, alone and at once, whatever it is to do beside others.
        whole["spec"]["required"] = true
        whole["spec"]["enabled"] = true
        whole["spec"]["mode"] = .null
        whole["spec"]["replaces"] = .null
        self.kind = kind
        self.manifest = whole
    }

    /// The manifest of a component that has none.
    private static func describe(_ library: String, _ component: String?) throws -> Value {
        let all = try DirectLibrary(library).components
        guard let found = component == nil && all.count == 1 ? all.first : all.first(where: { $0.name == component }) else {
            let names = all.map(\.name).joined(separator: ", ")
            throw ConformanceError(
                component.map { "\(library) has no component \($0); it offers \(names)" }
                    ?? "\(library) offers several components, name one with --component: \(names)")
        }
        guard let kind = kinds[found.extension] else {
            throw ConformanceError("component \(found.name) of \(library) is \(found.extension), which this host does not have")
        }
        guard kind != .controller else {
            throw ConformanceError("what a controller watches and may do stands in its manifest: give it with --manifest")
        }
        var manifest: Value = [
            "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin", "metadata": ["name": "under-test"],
            "spec": ["kind": .string(kind.rawValue), "component": .string(found.name)],
        ]
        if kind == .admission {
            manifest["spec"]["admission"] = [
                "rules": [["operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]]]
            ]
        }
        return manifest
    }

    private static let kinds: [String: ExtensionKind] = [
        "apus.scheduler-policy/1": .schedulerPolicy, "apus.controller/1": .controller, "apus.runtime/1": .runtime, "apus.proxy/1": .proxy,
        "apus.admission/1": .admission,
    ]
}

/// The plugin cannot be tried at all; says why.
public struct ConformanceError: Error, Sendable, CustomStringConvertible {
    public var description: String
    init(_ description: String) { self.description = description }
}
