/// One instance of a component, wherever it lives: in this process, or in a child of its own.
protocol ComponentInstance: AnyObject, Sendable {
    /// The extension's table, callable from this process.
    var table: UnsafeRawPointer { get }
    /// What its slots take as `self`.
    var me: UnsafeMutableRawPointer? { get }
    /// Grows when the instance lost its state: its process was started again.
    var incarnation: UInt64 { get }
    /// `nil` for an instance in this process.
    var process: ProcessStatus? { get }
    /// What the library says of itself, as far as it is known.
    var inspection: LibraryInspection? { get }
    /// How it is less isolated than it should be, in words that follow "isolated"; `nil` when it is not, or is not meant to be.
    var caveat: String? { get }

    /// Calls `start`. Blocks.
    func start() throws
    /// Calls `stop`. Blocks. Legal in every state.
    func stop()
    /// Calls `destroy`: the last call the instance sees.
    func destroy()
}

extension ComponentInstance {
    var inspection: LibraryInspection? { nil }
    var caveat: String? { nil }
}

/// The child process of an isolated instance.
struct ProcessStatus: Sendable {
    /// Zero while there is none, between two restarts.
    var pid: Int32
    var restarts: Int
    var residentBytes: UInt64
}

/// What an isolated instance tells of itself. Comes on a thread of the instance.
enum InstanceNotice: Sendable {
    /// - Parameter crash: the process that ended; `nil` when it was another one in its place, which did not get so far.
    case crashed(reason: String, restartAfter: Duration, crash: PluginCrash?)
    case restarted(incarnation: UInt64)
}
