internal import APIModel
internal import Glibc
internal import Logging

/// Everything that a scheduler hears and decides, in a file: a line of JSON each, with the time in milliseconds since it began. Used by the
/// scheduling thread only.
///
/// ```
/// {"at":12,"resource":"v1/nodes","name":"a","object":{…}}       an object as it is now; without `object` it went
/// {"at":15,"pod":"default/web","node":"a"}                      a decision; without `node` there was none, and `message` says why
/// {"at":20,"failed":"default/web","uid":"…"}                    the Pod gave its Node up
/// {"at":21,"observed":"v1/nodes","name":"a","object":{…}}       an object that policies observe
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
        switch message {
        case .bindFailed(let key, let uid, _): noteFailure(key, uid: uid, now: now)
        case .observed(let resource, let name, let object):
            var line: Value = ["at": .int(now), "observed": .string(resource.description), "name": .string(name.name)]
            if !name.namespace.isEmpty { line["namespace"] = .string(name.namespace) }
            write(line, object: object?.bytes)
        default: break
        }
        guard let (resource, before, after) = message.subject, let object = after ?? before else { return }
        var line: Value = ["at": .int(now), "resource": .string(resource.description), "name": .string(object.name)]
        if !object.namespace.isEmpty { line["namespace"] = .string(object.namespace) }
        // The object's own bytes are spliced in: it is not encoded anew.
        write(line, object: after?.bytes)
    }

    /// A Pod gave up the Node that was found for it.
    func noteFailure(_ key: PodKey, uid: String, now: Int64) {
        guard file != nil else { return }
        write(["at": .int(now), "failed": .string(key.description), "uid": .string(uid)])
    }

    func note(_ record: DecisionRecord, now: Int64) {
        var line: Value = ["at": .int(now), "pod": .string(record.pod.description)]
        switch record.outcome {
        case .node(let node), .waiting(let node, _): line["node"] = .string(node)
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
