package import APIModel
package import KernelNetwork
package import PluginKit

/// What of one family's services is in the kernel, and what makes of it what is wanted. Pure: who has run the commands keeps the new one.
package struct RulesInForce {
    private let ruleset: Ruleset
    /// By service-port id.
    private var parts: [UInt64: Ruleset.Part] = [:]
    /// How many services have an element of a shared set.
    private var shared: [Ruleset.Element: Int] = [:]
    /// Of endpoints, by chain.
    private var numbers = NumberRuns()

    /// Nothing yet: `whole` makes the table.
    package init(_ ruleset: Ruleset) { self.ruleset = ruleset }

    /// Makes the table, without services, of whatever there is.
    package var whole: String { ruleset.base.whole }
    package var family: IPFamily { ruleset.family }
    /// Names the table in commands: `ip apus-proxy`.
    package var table: String { ruleset.base.place }
    package var shape: TableShape { ruleset.shape(with: parts.values) }
    package var isEmpty: Bool { parts.isEmpty }

    /// The commands for these changes, for one transaction.
    ///
    /// - Parameters:
    ///   - gone: ids, also of services that never were in force.
    ///   - changes: of this family.
    package mutating func change(gone: some Sequence<UInt64>, changes: [WantedService]) -> String {
        // What goes is taken away before what comes: a Service that was deleted and made again has the same address.
        var change = Ruleset.Change()
        var counts: [Ruleset.Element: Int] = [:]
        func turn(_ old: Ruleset.Part?, into new: Ruleset.Part?) {
            change += ruleset.change(from: old, to: new)
            for element in old?.shared ?? [] { counts[element, default: 0] -= 1 }
            for element in new?.shared ?? [] { counts[element, default: 0] += 1 }
            for chain in old?.numbered ?? [] where new?.numbered.contains(chain) != true { numbers.giveBack(chain) }
        }
        for id in gone {
            if let old = parts.removeValue(forKey: id) { turn(old, into: nil) }
        }
        for service in changes {
            let new = ruleset.part(for: service, &numbers)
            turn(parts.updateValue(new, forKey: service.id), into: new)
        }
        for (element, difference) in counts where difference != 0 {
            let before = shared[element] ?? 0
            let now = before + difference
            shared[element] = now > 0 ? now : nil
            if before == 0, now > 0 { change.coming.append(element) }
            if before > 0, now <= 0 { change.leaving.append(element) }
        }
        return ruleset.commands(change)
    }
}
