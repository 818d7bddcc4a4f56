package import APIModel
package import KernelNetwork
package import PluginKit

/// What of one family's services is in the kernel, and what makes of it what is wanted. Pure: who has run the commands keeps the new one.
package struct RulesInForce {
    private let ruleset: Ruleset
    /// By service-port id.
    private var parts: [UInt64: Ruleset.Part] = [:]
    /// How many services have an element of a shared set.
    private var shared: [Ruleset.SharedElement: Int] = [:]

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
        var (removals, additions) = ("", "")
        var counts: [Ruleset.SharedElement: Int] = [:]
        func count(_ part: Ruleset.Part?, _ difference: Int) {
            for element in part?.shared ?? [] { counts[element, default: 0] += difference }
        }
        for id in gone {
            guard let old = parts.removeValue(forKey: id) else { continue }
            removals += ruleset.change(from: old, to: nil).remove
            count(old, -1)
        }
        for service in changes {
            let (old, new) = (parts[service.id], ruleset.part(for: service))
            let change = ruleset.change(from: old, to: new)
            removals += change.remove
            additions += change.add
            count(old, -1)
            count(new, 1)
            parts[service.id] = new
        }
        var (come, left): ([Ruleset.SharedElement], [Ruleset.SharedElement]) = ([], [])
        for (element, difference) in counts where difference != 0 {
            let before = shared[element] ?? 0
            let now = before + difference
            shared[element] = now > 0 ? now : nil
            if before == 0, now > 0 { come.append(element) }
            if before > 0, now <= 0 { left.append(element) }
        }
        return removals + additions + ruleset.commands("delete", left) + ruleset.commands("add", come)
    }
}
