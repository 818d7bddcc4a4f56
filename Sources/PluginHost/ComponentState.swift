/// Where an instance stands, as far as the tags on slots tell it apart. The raw values are bits.
enum ComponentState: UInt8, Sendable {
    /// After `create`, before `start` returned.
    case loaded = 1
    case running = 2
    /// After `stop` began.
    case stopped = 4

    private static let table: [PluginState: ComponentState] = [.loaded: .loaded, .running: .running, .stopped: .stopped]

    /// `nil` for a state in which there is no instance.
    init?(_ state: PluginState) {
        guard let found = Self.table[state] else { return nil }
        self = found
    }
}
