internal import APIModel
internal import ArgumentParser
internal import Glibc

/// Turns an object from one encoding of the API into another.
struct CodecCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codec",
        abstract: "Turn an object from one encoding of the API into another, from standard input to standard output.",
        discussion: """
            protobuf is what application/vnd.kubernetes.protobuf is: an envelope that names apiVersion and kind. Fields that the kind does \
            not have are refused by name. What has a type and an object, and no kind, is an event of a watch.
            """)

    enum Encoding: String, ExpressibleByArgument, CaseIterable { case json, yaml, protobuf }

    @Option(help: "How the object is written.")
    var from: Encoding

    @Option(help: "How it shall be written.")
    var to: Encoding

    func run() throws {
        let object = try read(try Self.standardInput())
        do {
            switch to {
            case .json: try Self.write(JSON.encodePretty(object) + [UInt8(ascii: "\n")])
            case .yaml: try Self.write(Array(YAML.encode(object).utf8))
            case .protobuf: try Self.write(try Protobuf.encodeUnknown(object, as: Self.kind(of: object)?.type, catalogue: .everything))
            }
        } catch let error as Protobuf.Error {
            throw StartupFailure("the object has no form in protobuf: \(error)")
        }
    }

    private func read(_ bytes: [UInt8]) throws -> Value {
        var object: Value
        do {
            switch from {
            case .json: object = try JSON.decode(bytes)
            case .yaml:
                let documents = try YAML.decode(String(decoding: bytes, as: UTF8.self))
                guard documents.count == 1 else { throw StartupFailure("there are \(documents.count) documents; give one") }
                object = documents[0]
            case .protobuf: return try Protobuf.decodeUnknown(bytes, as: Self.watchEvent.type, catalogue: .everything)
            }
        } catch let failure as StartupFailure {
            throw failure
        } catch {
            throw StartupFailure("this is no \(from.rawValue): \(error)")
        }
        guard let (kind, type) = Self.kind(of: object) else {
            throw StartupFailure("\(object["apiVersion"].string ?? "") \(object["kind"].string ?? "") is no kind of Kubernetes")
        }
        let unknown: [String]
        do { unknown = try Pruning.decode(&object, schema: type, kind: kind) } catch { throw StartupFailure(error.message) }
        guard unknown.isEmpty else { throw StartupFailure(unknown.map(Pruning.unknownField).joined(separator: ", ")) }
        return object
    }

    /// The only kind that is written without saying so.
    private static let watchEvent = {
        let kind = GroupVersionKind(group: "", version: "v1", kind: "WatchEvent")
        return (kind: kind, type: Catalogue.everything.type(of: kind)!)
    }()

    private static func kind(of object: Value) -> (kind: GroupVersionKind, type: TypeSchema)? {
        if let kind = GroupVersionKind(of: object) { return Catalogue.everything.type(of: kind).map { (kind, $0) } }
        var rest = object
        for field in ["type", "object"] { rest[field] = .null }
        return !object["type"].isNull && rest.isEmpty ? watchEvent : nil
    }

    private static func standardInput() throws -> [UInt8] {
        var whole: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(0, &piece, piece.count)
            if count == 0 { return whole }
            guard count > 0 || errno == EINTR else { throw StartupFailure("standard input: \(String(cString: strerror(errno)))") }
            whole += piece[..<max(0, count)]
        }
    }

    private static func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { throw StartupFailure("standard output: \(String(cString: strerror(errno)))") }
            rest = rest.dropFirst(max(0, count))
        }
    }
}
