import APIModel
import CLinux
import Foundation
import Logging
import PluginAPI
import Testing

@testable import PluginHost

/// An isolated controller from a fixture, and what it did to its host.
final class IsolatedFixture: Sendable {
    let instance: IsolatedInstance
    let heard: Heard

    /// What a child told its host.
    final class Heard: Sendable {
        let logs = Locked<[String]>([])
        /// What the host itself logged, each as `level text`.
        let lines = Locked<[String]>([])
        let notices = Locked<[String]>([])
        let restarts = DispatchSemaphore(value: 0)
        let crashes = Locked<[PluginCrash]>([])
    }

    /// Beside the program that runs the tests, where the build puts it.
    static let executable: String = {
        let beside = CommandLine.arguments.first.map {
            URL(fileURLWithPath: $0).resolvingSymlinksInPath().deletingLastPathComponent().appendingPathComponent("apus").path
        }
        return [beside, "\(Workshop.root)/.build/debug/apus"].compactMap { $0 }.first { access($0, X_OK) == 0 } ?? "/nowhere/apus"
    }()

    static func library(_ fixture: String, in workshop: Workshop) throws -> Library {
        try workshop.fixture(fixture)
        return try Library.open(path: "\(workshop.directory)/lib\(fixture).so", plugin: fixture)
    }

    /// - Parameters:
    ///   - name: the plugin's, where it is not the fixture's.
    ///   - extra: goes over the manifest's `spec`.
    init(
        _ fixture: String, as name: String? = nil, in workshop: Workshop, _ extra: [String: Value] = [:], executable: String = executable
    ) throws {
        var object: Value = [
            "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin", "metadata": ["name": .string(name ?? fixture)],
            "spec": [
                "kind": "Controller", "library": .string("lib\(fixture).so"), "component": "fixture", "isolation": "Process",
                "controller": ["for": ["v1/namespaces"]],
                "rules": [["apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch"]]],
            ],
        ]
        for (name, value) in extra { object["spec"][name] = value }
        if object["spec"]["kind"] != "Controller" { (object["spec"]["controller"], object["spec"]["rules"]) = (.null, .null) }
        let heard = Heard()
        self.heard = heard
        instance = try IsolatedInstance(
            PluginManifest(object: object), try Self.library(fixture, in: workshop), services: Self.services(heard),
            childExecutable: executable, log: Logger(label: "test") { _ in LineKeeper(lines: heard.lines) }
        ) { notice in
            heard.notices.change { $0.append("\(notice)") }
            switch notice {
            case .restarted: heard.restarts.signal()
            case .crashed(_, _, let crash): if let crash { heard.crashes.change { $0.append(crash) } }
            }
        }
    }

    /// A log that is kept, and an API in which every object is there and says only its name.
    private static func services(_ heard: Heard) -> [(TableDescriptor, UnsafeRawPointer)] {
        let log = hostTable(
            Signatures.hostLog,
            [
                { frame in
                    heard.logs.change { $0.append(frame.string(2)) }
                    return .nothing
                }
            ])
        let objects = hostTable(
            Signatures.hostObjects,
            Signatures.hostObjects.slots.map { slot in
                { frame in
                    guard slot.name == "get" else { return slot.result == .void ? .nothing : .status(APUS_UNSUPPORTED) }
                    let name = frame.pointer(1, to: apus_object_ref.self).pointee.name.string
                    frame.pointer(2, to: apus_sink.self).write(Array(#"{"name":"\#(name)"}"#.utf8))
                    return .status(APUS_OK)
                }
            })
        let kinds = hostTable(Signatures.hostKinds, [{ _ in .status(APUS_OK) }])
        return [(Signatures.hostLog, log), (Signatures.hostObjects, objects), (Signatures.hostKinds, kinds)]
    }

    /// Calls `reconcile` as the controller loop does.
    func reconcile(_ name: String) -> (status: apus_status, again: Int64, text: String) {
        let table = instance.table.assumingMemoryBound(to: apus_controller.self)
        var again: Int64 = 0
        var sentence = Collector()
        let status = "v1/namespaces".withBorrowed { resource in
            name.withBorrowed { name in
                "".withBorrowed { empty in
                    var key = apus_key(resource: resource, namespace_: empty, name: name, uid: empty)
                    return sentence.collect { table.pointee.reconcile(instance.me, &key, &again, $0) }
                }
            }
        }
        return (status, again, sentence.text)
    }

    /// Waits until the process was started again.
    func awaitRestart() throws {
        try #require(heard.restarts.wait(timeout: .now() + .seconds(30)) == .success, "no restart; heard: \(heard.notices.value)")
    }

    func end() {
        instance.stop()
        instance.destroy()
    }
}

/// Keeps what is logged, each line as `level text`.
struct LineKeeper: LogHandler {
    let lines: Locked<[String]>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
    func log(event: LogEvent) {
        lines.change { $0.append("\(event.level) \(metadata["plugin"].map { "\($0): " } ?? "")\(event.message)") }
    }
}

/// What Linux says of a process.
enum ProcessFacts {
    /// Whether any process has this name.
    static func isThere(called name: String) -> Bool {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.contains { Int($0) != nil && (try? String(contentsOfFile: "/proc/\($0)/comm", encoding: .utf8)) == "\(name)\n" }
    }

    /// Where a process is in the hierarchy of control groups that has the controller, and which: `nil` when there is none.
    static func controlGroup(_ pid: Int32, _ controller: String) throws -> (path: String, isUnified: Bool)? {
        let text = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
        let all = ControlGroupHierarchy.all(mounts: text) {
            (try? String(contentsOfFile: "\($0)/cgroup.controllers", encoding: .utf8)) ?? ""
        }
        guard let hierarchy = all.first(where: { $0.controllers.contains(controller) }) else { return nil }
        let lines = try String(contentsOfFile: "/proc/\(pid)/cgroup", encoding: .utf8).split(separator: "\n")
        let mine = lines.map { $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false) }.first {
            hierarchy.isUnified ? $0[0] == "0" : $0[1].split(separator: ",").contains(Substring(controller))
        }
        return mine.map { ("\(hierarchy.mountPoint)\($0[2])", hierarchy.isUnified) }
    }

    static func isThere(_ pid: Int32) -> Bool { access("/proc/\(pid)", F_OK) == 0 }

    /// The fields of `status`, of every thread.
    static func threads(_ pid: Int32) throws -> [[String: String]] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").compactMap { thread in
            // One that ends meanwhile is none.
            guard let text = try? String(contentsOfFile: "/proc/\(pid)/task/\(thread)/status", encoding: .utf8) else { return nil }
            return Dictionary(
                text.split(separator: "\n").compactMap { line in
                    let parts = line.split(separator: ":", maxSplits: 1)
                    return parts.count == 2 ? (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces)) : nil
                }, uniquingKeysWith: { $1 })
        }
    }

    /// Every child process of this one, also those that wait to be reaped, by id.
    static func children(named name: String) -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.filter { pid in
            guard Int(pid) != nil, let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
                let end = stat.lastIndex(of: ")")
            else { return false }
            let parent = stat[stat.index(after: end)...].split(separator: " ").dropFirst().first.flatMap { Int32($0) }
            let line = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
            return parent == getpid() && (line.isEmpty || line.contains("plugin-child\0\(name)\0"))
        }
    }
}
