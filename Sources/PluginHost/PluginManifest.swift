public import APIModel
public import Client

/// One manifest: which component of which library to run, and what it may do.
///
/// ```yaml
/// apiVersion: plugins.apus.dev/v1alpha1
/// kind: Plugin
/// metadata: {name: deployment}
/// spec:
///   kind: Controller
///   library: libcontrollers-workloads.so
///   component: deployment
///   required: true
///   controller: {for: [apps/v1/deployments], owns: [apps/v1/replicasets]}
///   rules: [{apiGroups: [apps], resources: [deployments, replicasets], verbs: ["*"]}]
/// ```
public struct PluginManifest: Sendable, Hashable {
    /// A DNS label. The plugin acts as the user `system:plugin:<name>`.
    public var name: String
    public var kind: ExtensionKind
    /// A file name without a directory.
    public var library: String
    /// The library's SHA-256 in 64 hexadecimal digits: any other file is refused. `nil` takes what is there.
    public var sha256: String?
    /// The component's name in the library; the plugin's name where the manifest says nothing.
    public var component: String
    /// `1.0`: the ABI that the library must have been built for; `nil` leaves it to the library.
    public var abi: String?
    /// An object, handed to the component as it is.
    public var config: Value
    /// Whether the host refuses to start without it.
    public var required: Bool
    public var enabled: Bool
    /// Scheduler policies only: what its points are multiplied by.
    public var weight: Int
    public var isolation: Isolation
    /// Scheduler policies and admission plugins only may be a shadow.
    public var mode: Mode
    /// A plugin of the same kind that does not run while this one does.
    public var replaces: String?
    /// How long any one call may take, in place of the slots' own deadlines.
    public var deadline: Duration?
    /// With `isolation: Process` only. What is left open is limited all the same, by kind.
    public var limits: Limits
    /// Controllers only.
    public var controller: ControllerManifest?
    /// Scheduler policies only, where they observe anything.
    public var policy: PolicyManifest?
    /// Admission plugins only.
    public var admission: AdmissionSpecification?
    /// RBAC rules, as in a ClusterRole: all that `user` may do.
    public var rules: [Value]
    /// Whom its Events say they are from: what the annotation `plugins.apus.dev/event-source` says, else `deployment-controller`.
    public var eventSource: String
    /// Where it was read from; empty for an object.
    public var file: String
    /// The object's `metadata.generation`; `nil` for a file.
    public var generation: Int64?

    /// Whether it runs on every node, and may leave something there for `cleanup`.
    public var isOfNode: Bool { kind == .proxy || controller?.place == .node }

    /// Where the component runs. The raw value is the manifest's.
    public enum Isolation: String, Sendable, CaseIterable {
        /// In the host: fastest, and trusted like the host.
        case none = "None"
        /// In a process of its own, with no rights but what it needs.
        case process = "Process"
    }

    public enum Mode: String, Sendable, CaseIterable {
        case active = "Active"
        /// Runs beside the active ones; the host reports where it would have decided differently.
        case shadow = "Shadow"
    }

    public struct Limits: Sendable, Hashable {
        /// In bytes.
        public var memory: Int64?
        /// In thousandths of a processor.
        public var cpu: Int?
        /// Threads and processes of its own, all together.
        public var processes: Int?
        public var openFiles: Int?
    }

    /// The user the host acts as for this plugin.
    public var user: String { "system:plugin:\(name)" }
    public static let groups = ["system:plugins", "system:authenticated"]

    /// Every manifest of a directory, by file name, checked; no library is touched.
    /// - Throws: `PluginError` naming the file and what is wrong in it.
    public static func read(directory: String) throws -> [PluginManifest] { try documents(directory: directory).map(\.manifest) }

    /// The same, each with the document that it was read from.
    public static func documents(directory: String) throws -> [(manifest: PluginManifest, document: Value)] {
        try ManifestReader.read(directory: directory)
    }
}

extension PluginManifest {
    /// Reads a `Plugin` object, as the API serves it or as a file has it; `status` is ignored.
    /// - Throws: `PluginError` with a message that starts with the field's path: `spec.weight: must be a number from 1 to 100`.
    public init(object: Value) throws { self = try ManifestReader(file: "").manifest(object) }
}
