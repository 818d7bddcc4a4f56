public import APIModel
internal import APIServer
internal import PluginHost
internal import Synchronization

/// Which of its rights a controller uses.
public enum Rights {
    public struct Report: Sendable {
        /// What the manifest grants and nobody used, as `delete pods`.
        public var unused: [String]
        /// The rules that the run needed, as a manifest has them: the manifest's own as far as they were used, and what they lack.
        public var rules: [Value]
        /// Whether the manifest's rules are these.
        public var isExact: Bool
    }

    /// Lets the controller do all it wants with objects of its kinds, new ones and deleted ones, each in a world of its own.
    ///
    /// - Throws: `ConformanceError` when it is no controller, or comes to no rest.
    public static func record(_ plugin: PluginUnderTest) async throws -> Report {
        guard plugin.kind == .controller else {
            throw ConformanceError("only a controller has rules, and this is a \(plugin.kind.rawValue)")
        }
        let recorder = RightsRecorder()
        var recorded = plugin
        recorded.recorder = recorder
        let manifest: PluginManifest
        do {
            manifest = try Hosted.manifest(plugin)
            try await ControllerChecks.situations(recorded) { try await Settling.settle($0, $1, $2) }
        } catch let error as Failure {
            throw ConformanceError(error.message)
        } catch let error as NotOffered {
            throw ConformanceError(error.message)
        }
        let rules = manifest.rules.map(PolicyRule.init)
        let used = UsedRights(recorder.uses, watched: manifest.controller?.watched ?? [])
        let narrowed = used.narrowed(rules)
        return Report(unused: used.unused(of: rules), rules: narrowed.map(\.value), isExact: Set(narrowed) == Set(rules))
    }
}

/// Notes what is used, from any task.
final class RightsRecorder: Sendable {
    static let everything = PolicyRule(verbs: ["*"], groups: ["*"], resources: ["*"])

    private let noted = Mutex<Set<UsedRight>>([])
    func note(_ use: UsedRight) { _ = noted.withLock { $0.insert(use) } }
    var uses: Set<UsedRight> { noted.withLock { $0 } }
}
