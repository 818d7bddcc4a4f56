internal import APIModel
internal import Glibc
internal import Logging

/// Everything that a scheduler hears and decides, in a file: a line of JSON each, with the time in milliseconds since it began. Used by the
/// scheduling thread only.
///
/// ```
/// {"at":12,"resource":"v1/nodes","name":"a","object":{…}}       an object as it is now; without `object` it went
/// {"at":15,"pod":"default/web","node":"a"}                      a decision; without `node` there was none, and `message` says why
/// {"at":20,"failed":"default/web","uid":"…"}                    a bind came to nothing
/// ```
final class Recording {
    private var file: UnsafeMutablePointer<FILE>?
    private let log: Logger

    /// Begins a new file. One that cannot be written is told of once, and nothing is recorded.
    init(_ path: String, log: Logger) {
        self.log = log
        file = fopen(path, "we")
        if file == nil { fail(path) }
    }

    func note(_ message: Message, now: Int64) {
        guard file != nil else { return }
        if case .bindFailed(let key, let uid) = message {
            write(["at": .int(now), "failed": .string(key.description), "uid": .string(uid)])
        }
        guard let (resource, before, after) = message.subject, let object = after ?? before else { return }
        var line: Value = ["at": .int(now), "resource": .string(resource.description), "name": .string(object.name)]
        if !object.namespace.isEmpty { line["namespace"] = .string(object.namespace) }
        // The object's own bytes are spliced in: it is not encoded anew.
        write(line, object: after?.bytes)
    }

    func note(_ record: DecisionRecord, now: Int64) {
        var line: Value = ["at": .int(now), "pod": .string(record.pod.description)]
        switch record.outcome {
        case .node(let node): line["node"] = .string(node)
        case .none(let message): line["message"] = .string(message)
        }
        write(line)
        // What was decided is seen by whoever looks at the file.
        if let file { fflush(file) }
    }

    func close() {
        if let file { fclose(file) }
        file = nil
    }

    private func write(_ line: Value, object: [UInt8]? = nil) {
        guard let file else { return }
        var bytes = JSON.encode(line)
        if let object {
            bytes.removeLast()
            bytes += Array(",\"object\":".utf8) + object + [UInt8(ascii: "}")]
        }
        bytes.append(UInt8(ascii: "\n"))
        if fwrite(bytes, 1, bytes.count, file) != bytes.count {
            fail("the file")
            close()
        }
    }

    private func fail(_ what: String) {
        log.warning("the scheduler's recording ends", metadata: ["file": "\(what)", "error": "\(String(cString: strerror(errno)))"])
    }
}
