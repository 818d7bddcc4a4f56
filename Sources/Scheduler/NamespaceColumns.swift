internal import APIModel
internal import PluginAPI
internal import PluginHost

/// The labels of all Namespaces, as columns, updated in place. Used by the scheduling thread only.
final class NamespaceColumns {
    private let strings: StringTable
    private var indices: [String: Int] = [:]
    private var holes: [Int] = []
    private var count = 0

    private var names = Column<apus_string>(0)
    private var labels = Rows(apus_label())
    private var changes = ChangeLog()

    /// The structure that is lent, itself where isolated plugins read it.
    private let shared = SharedArena.shared.allocate(bytes: MemoryLayout<apus_namespaces>.size)
        .bindMemory(to: apus_namespaces.self, capacity: 1)

    init(_ strings: StringTable) { self.strings = strings }

    deinit {
        names.free()
        labels.free()
        changes.free()
        SharedArena.shared.free(shared, bytes: MemoryLayout<apus_namespaces>.size)
    }

    /// Takes a new or changed Namespace over. Returns whether its labels are others than they were.
    func put(_ namespace: Object) -> Bool {
        let isNew = indices[namespace.name] == nil
        let row = indices[namespace.name] ?? place(namespace.name)
        guard labels.setLabels(row, namespace.labels, strings) || isNew else { return false }
        changes.append(row)
        return true
    }

    func remove(_ name: String) {
        guard let row = indices.removeValue(forKey: name) else { return }
        _ = labels.setLabels(row, [:], strings)
        strings.release(names[row])
        names[row] = 0
        holes.append(row)
        changes.append(row)
    }

    /// The columns as the ABI lends them, until one of them changes.
    var pointer: UnsafePointer<apus_namespaces> {
        shared.initialize(
            to: apus_namespaces(
                size: UInt32(MemoryLayout<apus_namespaces>.size), count: UInt32(count), changes: changes.lent,
                names: UnsafePointer(names.pointer), label_ranges: labels.ranges, labels: labels.pointer))
        return UnsafePointer(shared)
    }

    private func place(_ name: String) -> Int {
        let row = holes.popLast() ?? count
        if row == count {
            count += 1
            names.grow(to: count)
            labels.grow(to: count)
        }
        names[row] = strings.hold(name)
        indices[name] = row
        return row
    }
}

extension Rows<apus_label> {
    /// Makes `new`, ordered by key, the labels of a row, and holds their strings in place of the old ones'. Returns whether anything changed.
    mutating func setLabels(_ row: Int, _ new: [String: String], _ strings: StringTable) -> Bool {
        let laid = new.sorted { $0.key < $1.key }.map { apus_label(key: strings.hold($0.key), value: strings.hold($0.value)) }
        let isSame = self[row].elementsEqual(laid) { $0.key == $1.key && $0.value == $1.value }
        let gone = isSame ? laid : Array(self[row])
        if !isSame { set(row, laid) }
        for label in gone {
            strings.release(label.key)
            strings.release(label.value)
        }
        return !isSame
    }
}
