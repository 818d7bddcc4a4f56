public import Client
internal import Synchronization

/// Something that happened to a plugin, for people: an Event, a line in a log.
public struct PluginNotice: Sendable, Equatable {
    public var plugin: String
    public var isWarning: Bool
    public var reason: Reason
    public var message: String
    /// The process that ended, where one did.
    public var crash: PluginCrash?

    public enum Reason: String, Sendable, CaseIterable {
        case started = "Started"
        /// A new version, or another plugin, took over.
        case swapped = "Swapped"
        case stopped = "Stopped"
        case failed = "Failed"
        case skipped = "Skipped"
        /// The plugin's own process ended.
        case crashed = "Crashed"
        case restarted = "Restarted"
    }
}

/// The end of a plugin's own process that nobody asked for.
public struct PluginCrash: Sendable, Equatable {
    public var process: Int32
    /// What ended it, in words that follow the process.
    public var end: String
    /// Whether it was a fault of the plugin's own.
    public var isFault: Bool
    /// What the call at fault was made for, as far as it is known.
    public var key: InHand.Key?

    public init(process: Int32, end: String, isFault: Bool, key: InHand.Key?) {
        self.process = process
        self.end = end
        self.isFault = isFault
        self.key = key
    }
}

/// Hears notices until `cancel`, or until nobody holds it any more.
public final class PluginObservation: Sendable {
    private let end: @Sendable () -> Void
    init(_ end: @escaping @Sendable () -> Void) { self.end = end }
    /// After this returns no notice comes but one that was under way. A second call does nothing.
    public func cancel() { end() }
    deinit { end() }
}

/// Who hears notices.
final class NoticeBoard: Sendable {
    private struct State {
        var next = 0
        var observers: [Int: @Sendable (PluginNotice) -> Void] = [:]
    }
    private let state = Mutex(State())

    func observe(_ body: @escaping @Sendable (PluginNotice) -> Void) -> PluginObservation {
        let id = state.withLock { state in
            state.next += 1
            state.observers[state.next] = body
            return state.next
        }
        return PluginObservation { [weak self] in _ = self?.state.withLock { $0.observers.removeValue(forKey: id) } }
    }

    func post(_ notice: PluginNotice) {
        for observer in state.withLock({ Array($0.observers.values) }) { observer(notice) }
    }
}
