internal import APIModel
internal import Client
internal import Glibc
internal import PluginHost

/// One crash, as it is kept: of the host, or of the process of an isolated plugin.
struct Crash: Sendable, Equatable {
    /// When it was noticed, in seconds since 1970.
    var time: Whole
    var process: Int32
    /// What ended it, in words that follow the process.
    var end: String
    /// Whether it was a fault of the process's own, for which somebody is to blame.
    var isFault: Bool
    /// Which of its threads.
    var thread = ""
    /// The plugin that was at fault, and the slot it was in.
    var plugin = ""
    var slot = ""
    /// Whether the plugin was in a process of its own, which alone ended.
    var isIsolated = false
    /// What was in hand.
    var key: InHand.Key?

    /// Of the host that ran before this one.
    /// - Parameters:
    ///   - end: as the supervisor saw it; `nil` when there was none.
    ///   - record: what it had in hand.
    init?(_ end: (process: pid_t, end: ProcessEnd)?, _ record: InHand.End?, at time: Whole) {
        // A record of another process says nothing of this one.
        let record = end == nil || record?.process == end?.process ? record : nil
        let signal = record.map(\.signal).flatMap { $0 == 0 ? nil : $0 }
        self.time = time
        if let end {
            process = end.process
            self.end = end.end == .unknown ? signal.map { ProcessEnd.signalled($0).sentence } ?? end.end.sentence : end.end.sentence
        } else if let record, let signal {
            // Nobody was there to see it.
            process = record.process
            self.end = ProcessEnd.signalled(signal).sentence
        } else {
            return nil
        }
        if let sender = record?.sender, sender != 0 { self.end += ", sent by process \(sender)" }
        let isSelfMade = record?.sender ?? 0 == 0
        let ended = if case .signalled(let number)? = end?.end { number } else { signal }
        isFault = isSelfMade && ended.map(Self.faults.contains) ?? false
        guard isFault, let record else { return }
        thread = record.threadName
        key = record.key
        guard let found = record.plugin else { return }
        plugin = found.name
        slot = ExtensionKind(rawValue: found.kind)?.slotName(found.slot) ?? ""
    }

    /// Of an isolated plugin's process.
    init(_ crash: PluginCrash, of plugin: String, at time: Whole) {
        self.time = time
        process = crash.process
        end = crash.end
        isFault = crash.isFault
        self.plugin = plugin
        isIsolated = true
        key = crash.key
    }

    /// Signals that a process brings upon itself.
    private static let faults: Set<Int32> = [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGSYS]

    /// What to put aside when it is in hand at another crash: an object by its name. A request for a whole collection, or for an object that
    /// is still to be made, is told of and nothing more.
    var suspect: InHand.Key? { isFault && key?.name.isEmpty == false ? key : nil }

    /// `the host, process 12, was ended by signal 11 (SIGSEGV) in slot reconcile of plugin deployment, with apps/v1/deployments default/web in
    /// hand (controller-manager deployment)`
    var sentence: String {
        let who = isIsolated ? "plugin \(plugin), process \(process)," : "the host, process \(process),"
        return "\(who) \(end)\(circumstances)"
    }

    /// Where it happened and what was in hand.
    private var circumstances: String {
        var text = ""
        if !slot.isEmpty { text += isIsolated ? " in slot \(slot)" : " in slot \(slot) of plugin \(plugin)" }
        if let key { text += ", with \(key.text) in hand" }
        if slot.isEmpty, key == nil, !thread.isEmpty { text += " on thread \(thread)" }
        return text
    }
}

// As it is kept.
extension Crash {
    init?(_ value: Value) {
        guard let time = value["time"].string.flatMap({ Timestamp.parse($0) })?.seconds, let end = value["end"].string else { return nil }
        self.time = time
        self.end = end
        process = Int32(value["process"].int ?? 0)
        isFault = value["fault"].bool ?? false
        thread = value["thread"].string ?? ""
        plugin = value["plugin"].string ?? ""
        slot = value["slot"].string ?? ""
        isIsolated = value["isolated"].bool ?? false
        key = InHand.Key(value["key"])
    }

    var value: Value {
        func text(_ text: String) -> Value { text.isEmpty ? .null : .string(text) }
        return [
            "time": .string(Timestamp.format(seconds: time)), "process": .int(Whole(process)), "end": .string(end), "fault": .bool(isFault),
            "thread": text(thread), "plugin": text(plugin), "slot": text(slot), "isolated": isIsolated ? true : .null,
            "key": key?.value ?? .null,
        ]
    }
}

extension InHand.Key {
    /// `apps/v1/deployments default/web (controller-manager deployment)`
    var text: String { "\(objectText) (\(work))" }

    /// `apps/v1/deployments default/web`
    var objectText: String {
        name.isEmpty && namespace.isEmpty ? "\(resource)" : "\(resource) \(namespace.isEmpty ? "" : "\(namespace)/")\(name)"
    }

    /// Who has it in hand: `controller-manager deployment`.
    var work: String { part.isEmpty ? loop.name : "\(loop.name) \(part)" }

    init?(_ value: Value) {
        guard let loop = value["loop"].string.flatMap(InHand.Loop.init(name:)),
            let resource = value["resource"].string.flatMap({ GroupVersionResource($0) })
        else { return nil }
        self.init(
            loop: loop, part: value["part"].string ?? "", resource: resource, namespace: value["namespace"].string ?? "",
            name: value["name"].string ?? "", uid: value["uid"].string ?? "")
    }

    var value: Value {
        [
            "loop": .string(loop.name), "part": .string(part), "resource": .string(resource.description), "namespace": .string(namespace),
            "name": .string(name), "uid": .string(uid),
        ]
    }
}

extension Suspects.Suspect {
    init?(_ value: Value) {
        guard let key = InHand.Key(value["key"]) else { return nil }
        self.init(
            key: key, crashes: value["crashes"].elements.compactMap { $0.string.flatMap { Timestamp.parse($0) }?.seconds },
            reason: value["reason"].string ?? "", fingerprint: value["fingerprint"].string)
    }

    var value: Value {
        [
            "key": key.value, "crashes": .array(crashes.map { .string(Timestamp.format(seconds: $0)) }), "reason": .string(reason),
            "fingerprint": fingerprint.map(Value.string) ?? .null,
        ]
    }
}
