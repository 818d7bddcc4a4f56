public import APIModel
public import CLinux

/// What this process has in hand, noted in a file that outlives it: who reads it after a crash knows which object it was about.
///
/// A loop notes the object that it turns to, for as long as it works on it, on a thread or in a task and its child tasks. Which slot of
/// which plugin a thread is in, the plugin host notes. Notes cost a few nanoseconds, and go nowhere before `open`.
///
/// ```swift
/// InHand.with(.scheduler, .pods, namespace: pod.namespace, name: pod.name, uid: pod.uid) { decide(pod) }
/// ```
public enum InHand {
    /// Who works on a key. The raw value is what the file has.
    public enum Loop: UInt32, Sendable, CaseIterable {
        case scheduler = 1
        case controllerManager, kubelet, proxy, apiServer
        /// What tells all loops of changes.
        case cache

        /// As people know it.
        public var name: String {
            switch self {
            case .scheduler: "scheduler"
            case .controllerManager: "controller-manager"
            case .kubelet: "kubelet"
            case .proxy: "proxy"
            case .apiServer: "apiserver"
            case .cache: "cache"
            }
        }

        public init?(name: String) {
            guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
            self = found
        }
    }

    /// What was in hand.
    public struct Key: Hashable, Sendable {
        public var loop: Loop
        /// Which part of the loop: the controller, or the request's verb. Empty where a loop has none.
        public var part: String
        public var resource: GroupVersionResource
        public var namespace: String
        public var name: String
        public var uid: String

        public init(
            loop: Loop, part: String = "", resource: GroupVersionResource, namespace: String = "", name: String = "", uid: String = ""
        ) {
            self.loop = loop
            self.part = part
            self.resource = resource
            self.namespace = namespace
            self.name = name
            self.uid = uid
        }
    }

    /// A key that is noted, to be held by another thread as well while whoever noted it waits.
    public struct Reference: Sendable {
        @usableFromInline let number: UInt64
        @usableFromInline init(_ number: UInt64) { self.number = number }
    }

    /// The reference of what a task has in hand; 0 for nothing.
    @usableFromInline static let task = TaskLocal<UInt64>(wrappedValue: 0)

    /// From now on notes go to a new file at `path`, and a signal that ends this process is written there first. Call it
    /// early, on one thread; a process that notes already goes on with its first file.
    /// - Returns: `false`, with `errno`, when there is no room for the file; then nothing is noted.
    public static func open(_ path: String) -> Bool {
        apus_in_hand_task_local(Unmanaged.passUnretained(task).toOpaque())
        return apus_in_hand_open(path) == 0
    }

    // MARK: Notes

    /// Notes the key for this thread while `body` runs.
    @inlinable
    public static func with<R>(
        _ loop: Loop, part: String = "", _ resource: GroupVersionResource, namespace: String = "", name: String = "", uid: String = "",
        _ body: () throws -> R
    ) rethrows -> R {
        guard let key = take(loop, part, resource, namespace, name, uid) else { return try body() }
        let before = apus_in_hand_hold(apus_in_hand_reference(key))
        defer {
            _ = apus_in_hand_hold(before)
            apus_in_hand_give(key)
        }
        return try body()
    }

    /// Notes the key for this task, and its child tasks, while `body` runs.
    @inlinable
    public static func with<R>(
        _ loop: Loop, part: String = "", _ resource: GroupVersionResource, namespace: String = "", name: String = "", uid: String = "",
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> R
    ) async rethrows -> R {
        guard let key = take(loop, part, resource, namespace, name, uid) else { return try await body() }
        defer { apus_in_hand_give(key) }
        return try await task.withValue(apus_in_hand_reference(key), operation: body)
    }

    /// The key that this thread, or else this task, has in hand.
    @inlinable
    public static var current: Reference {
        let held = apus_in_hand_held()
        return Reference(held != 0 ? held : task.get())
    }

    /// Notes a key of somebody who waits for this thread while `body` runs.
    @inlinable
    public static func with<R>(_ reference: Reference, _ body: () throws -> R) rethrows -> R {
        let before = apus_in_hand_hold(reference.number)
        defer { _ = apus_in_hand_hold(before) }
        return try body()
    }

    @usableFromInline
    static func take(
        _ loop: Loop, _ part: String, _ resource: GroupVersionResource, _ namespace: String, _ name: String, _ uid: String
    ) -> OpaquePointer? {
        guard let key = apus_in_hand_take(loop.rawValue) else { return nil }
        add(part, key)
        add(resource.group, key)
        add(resource.version, key)
        add(resource.resource, key)
        add(namespace, key)
        add(name, key)
        add(uid, key)
        return key
    }

    @inline(__always)
    private static func add(_ text: String, _ key: OpaquePointer) {
        // A string that is not Swift's own would have to be copied; none of the catalogue's or an object's is.
        if text.utf8.withContiguousStorageIfAvailable({ apus_in_hand_add(key, $0.baseAddress, $0.count) }) == nil {
            apus_in_hand_add(key, nil, 0)
        }
    }

    // MARK: Reading

    /// What `reference` means now; `nil` when nothing is noted there any more.
    public static func key(_ reference: Reference) -> Key? {
        var texts = apus_in_hand_texts()
        return withBytes { bytes in apus_in_hand_look(reference.number, &texts, bytes) == 0 ? Key(texts, bytes) : nil }
    }

    /// How a process ended that noted into a file.
    public struct End: Sendable {
        public var process: Int32
        /// That came to the process and can be caught; 0 when none did.
        public var signal: Int32
        /// The process that sent it; 0 for a fault of its own.
        public var sender: Int32
        public var threadName: String
        /// That could not be used.
        public var address: UInt64
        public var instruction: UInt64
        /// The plugin that the thread at fault was in, and the index of the slot.
        public var plugin: (name: String, kind: String, slot: Int)?
        /// Where no signal was caught, the only one that was noted at all.
        public var key: Key?
    }

    /// Reads the file that an earlier process left, `nil` when there is none that makes sense. Before `open`, which makes a new one.
    public static func read(_ path: String) -> End? {
        var end = apus_in_hand_end()
        return withBytes { bytes in
            guard apus_in_hand_read(path, &end, bytes) == 0 else { return nil }
            return End(
                process: Int32(bitPattern: end.process), signal: Int32(bitPattern: end.signal), sender: Int32(bitPattern: end.sender),
                threadName: text(end.thread_name), address: end.address, instruction: end.instruction,
                plugin: end.slot < 0 ? nil : (text(end.plugin), text(end.kind), Int(end.slot)), key: Key(end.key, bytes))
        }
    }

    private static func withBytes<R>(_ body: (UnsafeMutablePointer<UInt8>) -> R) -> R {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(APUS_IN_HAND_BYTES)) { body($0.baseAddress!) }
    }

    /// A C string in an array.
    private static func text<Characters>(_ characters: Characters) -> String {
        withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension InHand.Key {
    fileprivate init?(_ texts: apus_in_hand_texts, _ bytes: UnsafePointer<UInt8>) {
        guard let loop = InHand.Loop(rawValue: texts.loop), texts.count == APUS_IN_HAND_TEXTS else { return nil }
        var start = 0
        let parts = withUnsafeBytes(of: texts.lengths) { lengths in
            lengths.bindMemory(to: UInt16.self).map { length in
                defer { start += Int(length) }
                return String(decoding: UnsafeBufferPointer(start: bytes + start, count: Int(length)), as: UTF8.self)
            }
        }
        self.init(
            loop: loop, part: parts[0], resource: GroupVersionResource(group: parts[1], version: parts[2], resource: parts[3]),
            namespace: parts[4], name: parts[5], uid: parts[6])
    }
}
