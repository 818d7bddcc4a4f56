internal import APIModel
internal import PluginAPI

/// What Pods have in common that others look at, interned: as many rows as there are different ones.
///
/// A class that no Pod has any more stays for a while, so that a Pod that is made again and again is always of the same one; when many have
/// come together they go. Used by the scheduling thread only.
final class PodClasses {
    /// By what a class is known.
    struct Key: Hashable {
        let namespace: String
        let labels: [String: String]
        /// `podAffinity` and `podAntiAffinity`; `.null` where there is none.
        let affinity: Value
        let antiAffinity: Value

        init(_ pod: Object) {
            let affinity = pod.value["spec"]["affinity"]
            (namespace, labels) = (pod.namespace, pod.labels)
            (self.affinity, antiAffinity) = (affinity["podAffinity"], affinity["podAntiAffinity"])
        }
    }

    private struct Entry {
        let key: Key
        let lending: Lending
        var holders = 0
        /// Whether it stands in `idle`.
        var isIdle = false
    }

    private let strings: StringTable
    private var rows: [Key: Int] = [:]
    private var entries: [Entry?] = []
    /// Those that were held by nobody at some time since classes last went.
    private var idle: [Int] = []
    private var holes: [Int] = []
    private var lastSerial: UInt64 = 0
    private(set) var table = Column(apus_pod_class())

    /// So many idle classes, or half of all, are worth taking back.
    private static let worthwhile = 256

    init(_ strings: StringTable) { self.strings = strings }

    deinit { table.free() }

    /// The row of the class of a template's Pods, held for the caller, who must `release` it.
    func hold(_ template: PodTemplate) -> Int {
        let row = place(of: template)
        entries[row]?.holders += 1
        return row
    }

    private func place(of template: PodTemplate) -> Int {
        if let (row, serial) = template.classPlace, row < table.count, table[row].serial == serial { return row }
        let row = rows[template.classKey] ?? add(template.classKey)
        template.classPlace = (row, table[row].serial)
        return row
    }

    func release(_ row: Int) {
        entries[row]?.holders -= 1
        guard let entry = entries[row], entry.holders == 0, !entry.isIdle else { return }
        entries[row]?.isIdle = true
        idle.append(row)
        if idle.count >= max(Self.worthwhile, rows.count / 2) { takeBack() }
    }

    private func add(_ key: Key) -> Int {
        let row = holes.popLast() ?? table.count
        if row == table.count {
            table.grow(to: row + 1)
            entries.append(nil)
        }
        let lending = Lending(strings)
        entries[row] = Entry(key: key, lending: lending)
        rows[key] = row
        lastSerial += 1
        table[row] = Self.lend(key, serial: lastSerial, lending)
        return row
    }

    private static func lend(_ key: Key, serial: UInt64, _ lending: Lending) -> apus_pod_class {
        let spec: Value = ["affinity": ["podAffinity": key.affinity, "podAntiAffinity": key.antiAffinity]]
        let terms = PodTerms(spec: spec, namespace: key.namespace, labels: key.labels, lending)
        var lent = apus_pod_class()
        lent.serial = serial
        lent.namespace_ = lending.number(key.namespace)
        (lent.labels, lent.label_count) = lending.lend(lending.labels(key.labels))
        (lent.affinity, lent.affinity_count) = lending.lend(terms.required("podAffinity"))
        (lent.anti_affinity, lent.anti_affinity_count) = lending.lend(terms.required("podAntiAffinity"))
        (lent.preferred_affinity, lent.preferred_affinity_count) = lending.lend(terms.preferred("podAffinity"))
        (lent.preferred_anti_affinity, lent.preferred_anti_affinity_count) = lending.lend(terms.preferred("podAntiAffinity"))
        return lent
    }

    private func takeBack() {
        for row in idle {
            guard let entry = entries[row] else { continue }
            entries[row]?.isIdle = false
            guard entry.holders == 0 else { continue }
            rows[entry.key] = nil
            entries[row] = nil
            table[row] = apus_pod_class()
            holes.append(row)
        }
        idle.removeAll(keepingCapacity: true)
    }
}
