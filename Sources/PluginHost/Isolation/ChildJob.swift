internal import APIModel

/// What the host asks of a new child, and what the child answers: the only two messages that are not calls. JSON, because nobody waits for
/// them twice.
struct ChildJob: Equatable {
    var plugin: String
    var kind: ExtensionKind
    var component: String
    /// The library ABI that the manifest asks for.
    var abi: String?
    /// For messages: where the library's bytes came from.
    var path: String
    /// Where the child finds a copy of them.
    var copy: String
    /// Private memory that the plugin may have.
    var memory: Int64
    /// On how many of its threads it may be inside the host at once.
    var upcalls: Int

    struct Malformed: Error {}

    var bytes: [UInt8] {
        JSON.encode([
            "plugin": .string(plugin), "kind": .string(kind.rawValue), "component": .string(component),
            "abi": abi.map(Value.string) ?? .null, "path": .string(path), "copy": .string(copy),
            "memory": .int(memory), "upcalls": .int(Int64(upcalls)),
        ])
    }
}

extension ChildJob {
    init(_ bytes: [UInt8]) throws {
        let value = try JSON.decode(bytes)
        guard let plugin = value["plugin"].string, let kind = value["kind"].string.flatMap(ExtensionKind.init),
            let component = value["component"].string,
            let path = value["path"].string, let copy = value["copy"].string, let memory = value["memory"].int,
            let upcalls = value["upcalls"].int.map({ Int($0) })
        else { throw Malformed() }
        self.init(
            plugin: plugin, kind: kind, component: component, abi: value["abi"].string, path: path, copy: copy, memory: memory.int64,
            upcalls: upcalls)
    }
}

/// What a child found in the library.
struct ChildReport: Equatable {
    var library: LibraryInspection
    /// Which slots of `apus_component` and of the extension's table are there.
    var lifeCycle: [Bool]
    var slots: [Bool]
    /// What stands beside the table's size.
    var number: Int32

    /// A child that cannot do its job.
    struct Refusal: Error, Equatable {
        var code: String
        var message: String
    }

    static func encode(_ outcome: Result<ChildReport, Refusal>) -> [UInt8] {
        switch outcome {
        case .failure(let refusal): JSON.encode(["code": .string(refusal.code), "message": .string(refusal.message)])
        case .success(let report):
            JSON.encode([
                "name": .string(report.library.name), "version": .string(report.library.version), "abi": .string(report.library.abi),
                "components": .array(report.library.components.map { .array([.string($0.name), .string($0.extension)]) }),
                "lifeCycle": .array(report.lifeCycle.map(Value.bool)), "slots": .array(report.slots.map(Value.bool)),
                "number": .int(Int64(report.number)),
            ])
        }
    }

    /// Reads what a child sent, which may be anything. `slots` is how many the extension has.
    static func decode(_ bytes: [UInt8], slots: Int) throws -> ChildReport {
        let value = try JSON.decode(bytes)
        if let code = value["code"].string { throw Refusal(code: code, message: value["message"].string ?? "") }
        guard let name = value["name"].string, let version = value["version"].string, let abi = value["abi"].string else {
            throw ChildJob.Malformed()
        }
        let report = ChildReport(
            library: LibraryInspection(
                name: name, version: version, abi: abi,
                components: value["components"].elements.map {
                    LibraryInspection.Component(name: $0[0].string ?? "", extension: $0[1].string ?? "")
                }),
            lifeCycle: value["lifeCycle"].elements.compactMap(\.bool), slots: value["slots"].elements.compactMap(\.bool),
            number: Int32(clamping: value["number"].int?.int64 ?? 0))
        guard report.lifeCycle.count == Signatures.component.slots.count, report.slots.count == slots else { throw ChildJob.Malformed() }
        return report
    }
}
