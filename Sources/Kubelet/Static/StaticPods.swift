import APIModel
import FileSystem
import Glibc
import Logging
import Synchronization

/// Pods that are read from files of a directory: `*.yaml`, `*.json`, or any other name that does not begin with a dot. Upstream:
/// `kubelet/config/file.go`.
actor StaticPods {
    enum Change: Sendable {
        case present(Pod)
        /// Its file is gone, or says something else now.
        case gone(Pod)
    }

    private let directory: String
    private let nodeName: String
    private let disk: BlockingWork
    private let log: Logger
    private let events: any EventSink
    private var pods: [String: Pod] = [:]
    private var problems: [String: String] = [:]

    /// How often is looked where nothing tells of changes. Upstream's.
    private static let period = Duration.seconds(20)

    init(directory: String, context: Context) {
        (self.directory, nodeName) = (directory, context.configuration.nodeName)
        (disk, log, events) = (context.disk, context.log, context.events)
    }

    /// Looks at once and then whenever the directory changes, until cancelled.
    func run(_ tell: @Sendable (Change) async -> Void) async {
        let watch = FileWatch.shared.watch(directory)
        defer { watch.cancel() }
        while !Task.isCancelled {
            await look(tell)
            await watch.wakeup.wait(until: .now + Self.period)
        }
    }

    /// Reads the directory. A file that cannot be read leaves its pod as it was; one that is no pod is told of, once.
    func look(_ tell: @Sendable (Change) async -> Void) async {
        let (directory, nodeName) = (directory, nodeName)
        let read = try? await disk.run { () -> [String: Result<Pod, StaticPodFile.Problem>]? in
            guard let directory = try? Directory.open(directory), let names = try? directory.names() else { return nil }
            var read: [String: Result<Pod, StaticPodFile.Problem>] = [:]
            for name in names.sorted() where !name.hasPrefix(".") {
                guard directory.status(name)?.isRegular == true else { continue }
                read[name] = Self.pod(directory.read(name), path: name, nodeName: nodeName)
            }
            return read
        }
        guard let read = read ?? nil else {
            if problems.updateValue("", forKey: directory) == nil { log.warning("static pods: \(directory) cannot be read") }
            return
        }
        problems[directory] = nil
        var found: [String: Pod] = [:]
        for (name, result) in read.sorted(by: { $0.key < $1.key }) {
            switch result {
            case .success(let pod):
                // Of two files with one pod the first counts.
                guard found.values.contains(where: { $0.name == pod.name && $0.namespace == pod.namespace }) else {
                    problems[name] = nil
                    found[name] = pod
                    continue
                }
                let problem =
                    "Error validating pod \(pod.name)_\(pod.namespace)(\(pod.uid)) from file due to duplicate pod name \"\(pod.name)\", ignoring"
                if problems.updateValue(problem, forKey: name) != problem {
                    log.warning("static pods: \(directory)/\(name): \(problem)")
                    events.event(about: pod, .warning, "FailedValidation", problem)
                }
            case .failure(let problem):
                if problems.updateValue(problem.description, forKey: name) != problem.description {
                    log.warning("static pods: \(directory)/\(name): \(problem)")
                }
                found[name] = pods[name]
            }
        }
        let before = pods
        pods = found
        let uids = Set(found.values.map(\.uid))
        for (_, pod) in before.sorted(by: { $0.key < $1.key }) where !uids.contains(pod.uid) { await tell(.gone(pod)) }
        let known = Set(before.values.map(\.uid))
        for (_, pod) in found.sorted(by: { $0.key < $1.key }) where !known.contains(pod.uid) { await tell(.present(pod)) }
    }

    private static func pod(_ bytes: [UInt8]?, path: String, nodeName: String) -> Result<Pod, StaticPodFile.Problem> {
        guard let bytes else { return .failure(.init(description: "it cannot be read")) }
        let documents: [Value]
        do {
            documents = try YAML.decode(String(decoding: bytes, as: UTF8.self)).filter { !$0.isNull }
        } catch {
            return .failure(.init(description: "\(error)"))
        }
        guard documents.count == 1 else { return .failure(.init(description: "it holds \(documents.count) objects")) }
        do throws(StaticPodFile.Problem) {
            return .success(try StaticPodFile.pod(documents[0], path: path, nodeName: nodeName, time: Timestamp.now()))
        } catch {
            return .failure(error)
        }
    }
}
