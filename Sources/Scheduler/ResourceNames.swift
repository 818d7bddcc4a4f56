internal import APIModel
internal import OrderedCollections
internal import PluginAPI

/// Which column a resource has: the fixed ones first, then every other in the order it was first seen.
final class ResourceNames {
    private let strings: StringTable
    private var columns: [String: Int] = [:]
    private(set) var names = Column<apus_string>(0)

    init(_ strings: StringTable) {
        self.strings = strings
        for (index, name) in ["cpu", "memory", "ephemeral-storage", "pods"].enumerated() {
            precondition(column(name) == index, "the fixed columns stand in the header's order")
        }
    }

    var count: Int { columns.count }

    func column(_ name: String) -> Int {
        if let column = columns[name] { return column }
        let column = columns.count
        columns[name] = column
        names.append(strings.number(name))
        return column
    }

    /// `name: quantity` fields as amounts by column: thousandths for cpu, whole units for everything else. What is not a quantity, which
    /// the API never stores, is left out.
    func amounts(_ quantities: Value) -> [Int: Int64] {
        var amounts: [Int: Int64] = [:]
        for (name, text) in quantities.quantityTexts {
            guard let quantity = try? Quantity(text) else { continue }
            let column = column(name)
            amounts[column] = column == Int(APUS_RESOURCE_CPU) ? quantity.milliValue : quantity.value
        }
        return amounts
    }

    deinit { names.free() }
}

extension Value {
    /// Quantities may be written as numbers.
    fileprivate var quantityTexts: [(String, String)] {
        guard case .object(let fields) = self else { return [] }
        return fields.elements.compactMap { name, value in (value.string ?? value.int.map(String.init)).map { (name, $0) } }
    }
}
