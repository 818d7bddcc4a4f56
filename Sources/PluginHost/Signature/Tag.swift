/// Who may call a slot, and in which states of the component: the `[…]` that stands above the slot in its header.
struct Tag: Sendable, Equatable {
    enum Threads: String, Sendable {
        /// One caller at a time.
        case control
        /// Many threads at once.
        case worker
        case any
    }
    let threads: Threads
    var states: Set<PluginState>

    init(_ threads: Threads, _ states: PluginState...) {
        self.threads = threads
        self.states = Set(states)
    }
}
