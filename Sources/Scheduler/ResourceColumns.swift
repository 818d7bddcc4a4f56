internal import PluginAPI

/// What the Nodes offer and what Pods hold there, two columns a resource: the fixed ones first, then those of every other resource that
/// somebody needs. A pair that nobody needs any more is the next resource's. Columns without an amount share one of zeros.
final class ResourceColumns {
    private let strings: StringTable
    private var columns: [String: Int] = [:]
    private var holders: [Int] = []
    private var free: [Int] = []
    private(set) var names = Column<apus_string>(0)
    private var offered: [Column<Int64>?] = []
    private var held: [Column<Int64>?] = []
    private var zeros = Column<Int64>(0)
    // The pointers to the columns, as the ABI wants them.
    private var offeredPointers = Column(UnsafePointer<Int64>(bitPattern: 8)!)
    private var heldPointers = Column(UnsafePointer<Int64>(bitPattern: 8)!)

    init(_ strings: StringTable) {
        self.strings = strings
        for name in ResourceAmounts.fixedNames { _ = hold(name) }
    }

    deinit {
        for case let column? in offered + held { column.free() }
        names.free()
        zeros.free()
        offeredPointers.free()
        heldPointers.free()
    }

    var count: Int { names.count }

    /// The resource's column, which stays its own until the caller gives it up with `release`.
    func hold(_ name: String) -> Int {
        let column = columns[name] ?? add(name)
        holders[column] += 1
        return column
    }

    func release(_ column: Int) {
        holders[column] -= 1
        guard holders[column] == 0 else { return }
        columns[strings.text(names[column])] = nil
        strings.release(names[column])
        names[column] = 0
        for case let amounts? in [offered[column], held[column]] { amounts.free() }
        (offered[column], held[column]) = (nil, nil)
        free.append(column)
    }

    /// The resource's column, `nil` if it has none.
    func column(of name: String) -> Int? { columns[name] }

    /// Makes room for so many Nodes.
    func grow(to nodes: Int) {
        zeros.grow(to: nodes)
        for column in offered.indices {
            offered[column]?.grow(to: nodes)
            held[column]?.grow(to: nodes)
        }
    }

    func offered(_ column: Int, _ node: Int) -> Int64 { offered[column]?[node] ?? 0 }
    func setOffered(_ column: Int, _ node: Int, _ amount: Int64) { set(&offered[column], node, amount) }

    func held(_ column: Int, _ node: Int) -> Int64 { held[column]?[node] ?? 0 }
    func setHeld(_ column: Int, _ node: Int, _ amount: Int64) { set(&held[column], node, amount) }

    /// The columns as the ABI lends them, until one of them changes.
    var pointers: (offered: UnsafePointer<UnsafePointer<Int64>>, held: UnsafePointer<UnsafePointer<Int64>>) {
        for column in offered.indices {
            offeredPointers[column] = UnsafePointer((offered[column] ?? zeros).pointer)
            heldPointers[column] = UnsafePointer((held[column] ?? zeros).pointer)
        }
        return (UnsafePointer(offeredPointers.pointer), UnsafePointer(heldPointers.pointer))
    }

    private func add(_ name: String) -> Int {
        let column = free.popLast() ?? count
        if column == count {
            names.grow(to: column + 1)
            offeredPointers.grow(to: column + 1)
            heldPointers.grow(to: column + 1)
            holders.append(0)
            offered.append(nil)
            held.append(nil)
        }
        names[column] = strings.hold(name)
        columns[name] = column
        return column
    }

    private func set(_ column: inout Column<Int64>?, _ node: Int, _ amount: Int64) {
        if column == nil {
            guard amount != 0 else { return }
            var new = Column<Int64>(0)
            new.grow(to: zeros.count)
            column = new
        }
        column?[node] = amount
    }
}
