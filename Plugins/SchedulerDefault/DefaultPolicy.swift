internal import APIModel
internal import PluginKit

/// The rules that upstream's default profile has for one Pod and one Node.
struct DefaultPolicy: SchedulerPolicy {
    init(_ host: Host, config: Value) throws {}
}
