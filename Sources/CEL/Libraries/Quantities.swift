internal import APIModel
internal import Glibc

extension Library {
    /// Quantities of resources: `quantity("1.5Gi")`.
    static let quantity = Library(
        "kubernetes.quantity",
        [
            Function(
                "quantity",
                .global("string_to_quantity", [.string], .quantity, cost: .traversing()) { a, _ throws(EvaluationError) in
                    .object(try QuantityValue(try a.string(0)))
                }),
            Function(
                "isQuantity",
                .global("is_quantity_string", [.string], .bool, cost: .traversing()) { a, _ throws(EvaluationError) in
                    let text = try a.string(0)
                    return .bool((try? QuantityValue(text)) != nil)
                }),
            Function(
                "sign",
                .global("quantity_sign", [.quantity], .int) { a, _ throws(EvaluationError) in .int(Int64(try a.quantity(0).quantity.signum))
                }),
            Function(
                "isGreaterThan",
                .method("quantity_is_greater_than", [.quantity, .quantity], .bool) { a, _ throws(EvaluationError) in
                    .bool(try a.quantity(0).quantity > a.quantity(1).quantity)
                }),
            Function(
                "isLessThan",
                .method("quantity_is_less_than", [.quantity, .quantity], .bool) { a, _ throws(EvaluationError) in
                    .bool(try a.quantity(0).quantity < a.quantity(1).quantity)
                }),
            Function(
                "compareTo",
                .method("quantity_compare_to", [.quantity, .quantity], .int) { a, _ throws(EvaluationError) in
                    let (one, other) = (try a.quantity(0).quantity, try a.quantity(1).quantity)
                    return .int(one < other ? -1 : one > other ? 1 : 0)
                }),
            Function(
                "asApproximateFloat",
                .method("quantity_get_float", [.quantity], .double) { a, _ throws(EvaluationError) in .double(try a.quantity(0).double) }),
            Function(
                "asInteger",
                .method("quantity_get_int", [.quantity], .int) { a, _ throws(EvaluationError) in
                    guard let int = try a.quantity(0).integer else { throw EvaluationError("cannot convert value to integer") }
                    return .int(int)
                }),
            Function(
                "isInteger",
                .method("quantity_is_integer", [.quantity], .bool) { a, _ throws(EvaluationError) in .bool(try a.quantity(0).integer != nil)
                }),
            Function(
                "add",
                .method("quantity_add", [.quantity, .quantity], .quantity) { a, _ throws(EvaluationError) in
                    .object(try a.quantity(0).adding(a.quantity(1), isNegative: false))
                },
                .method("quantity_add_int", [.quantity, .int], .quantity) { a, _ throws(EvaluationError) in
                    .object(try a.quantity(0).adding(QuantityValue(a.int(1)), isNegative: false))
                }),
            Function(
                "sub",
                .method("quantity_sub", [.quantity, .quantity], .quantity) { a, _ throws(EvaluationError) in
                    .object(try a.quantity(0).adding(a.quantity(1), isNegative: true))
                },
                .method("quantity_sub_int", [.quantity, .int], .quantity) { a, _ throws(EvaluationError) in
                    .object(try a.quantity(0).adding(QuantityValue(a.int(1)), isNegative: true))
                }),
        ])
}

extension Arguments {
    fileprivate func quantity(_ index: Int) throws(EvaluationError) -> QuantityValue { try object(index, as: QuantityValue.self) }
}

final class QuantityValue: ObjectValue {
    let quantity: Quantity
    /// A number and the power of ten it is multiplied with, where the quantity is small enough that upstream keeps it so. It decides what counts as
    /// an integer: `1000m` does not.
    private let small: (value: Int64, exponent: Int)?

    init(_ text: String) throws(EvaluationError) {
        do throws(Quantity.ParseError) { quantity = try Quantity(text) } catch { throw EvaluationError(error.description) }
        small = Self.small(text)
    }

    init(_ int: Int64) {
        quantity = Quantity(value: int, format: .decimalExponent)
        small = (int, 0)
    }

    /// Any quantity, such as one of a device.
    init(_ quantity: Quantity) {
        self.quantity = quantity
        small = Self.small(quantity.description)
    }

    private init(_ quantity: Quantity, _ small: (Int64, Int)?) {
        self.quantity = quantity
        self.small = small
    }

    var typeName: String { "kubernetes.Quantity" }
    var description: String { quantity.description }
    func isEqual(to other: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> Bool {
        guard case .object(let other as QuantityValue) = other else { throw .noSuchOverload }
        return quantity == other.quantity
    }

    /// The whole number, where it is written as one.
    var integer: Int64? {
        guard let (value, exponent) = small, exponent >= 0 else { return nil }
        return Self.scaled(value, by: exponent)
    }

    var double: Double {
        guard let (value, exponent) = small else { return quantity.approximateDouble }
        return exponent == 0 ? Double(value) : Double(value) * pow(10, Double(exponent))
    }

    func adding(_ other: QuantityValue, isNegative: Bool) -> QuantityValue {
        let sum = isNegative ? quantity - other.quantity : quantity + other.quantity
        guard let (one, exponent) = small, let (two, otherExponent) = other.small else { return QuantityValue(sum, nil) }
        let least = min(exponent, otherExponent)
        guard let left = Self.scaled(one, by: exponent - least), let right = Self.scaled(two, by: otherExponent - least) else {
            return QuantityValue(sum, nil)
        }
        let (value, isBeyond) = isNegative ? left.subtractingReportingOverflow(right) : left.addingReportingOverflow(right)
        return QuantityValue(sum, isBeyond ? nil : (value, least))
    }

    private static func scaled(_ value: Int64, by exponent: Int) -> Int64? {
        var result = value
        for _ in 0..<min(exponent, 20) where result != 0 {
            let (product, isBeyond) = result.multipliedReportingOverflow(by: 10)
            if isBeyond { return nil }
            result = product
        }
        return result
    }

    /// Upstream's short form of a quantity that is written with few digits.
    private static func small(_ text: String) -> (value: Int64, exponent: Int)? {
        var rest = text[...]
        let isNegative = rest.hasPrefix("-")
        if isNegative || rest.hasPrefix("+") { rest = rest.dropFirst() }
        let whole = rest.prefix(while: \.isASCIIDigit)
        rest = rest.dropFirst(whole.count)
        let number = whole.drop { $0 == "0" }
        var fraction: Substring = ""
        if rest.hasPrefix(".") {
            fraction = rest.dropFirst().prefix(while: \.isASCIIDigit)
            rest = rest.dropFirst(1 + fraction.count)
        }
        var exponent = 0
        var factor: Int64 = 1
        var room = 18 - max(number.count, 1) - fraction.count
        switch rest {
        case "Ki", "Mi", "Gi", "Ti", "Pi", "Ei":
            let power = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].firstIndex(of: String(rest)).map { ($0 + 1) * 10 } ?? 0
            guard fraction.isEmpty else { return nil }
            factor = 1 << Int64(power)
            room = 15 - max(number.count, 1) - power * 3 / 10 - 1
        default:
            if let place = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"].firstIndex(of: String(rest)) {
                exponent = (place - 3) * 3
            } else if let given = Int(rest.dropFirst()) {
                exponent = given
            } else {
                return nil
            }
        }
        exponent -= fraction.count
        guard room >= 0, exponent >= -9, let digits = Int64((number.isEmpty ? "0" : number) + fraction) else { return nil }
        let (value, isBeyond) = digits.multipliedReportingOverflow(by: factor)
        return isBeyond ? nil : (isNegative ? -value : value, exponent)
    }
}
