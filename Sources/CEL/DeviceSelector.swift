public import APIModel
internal import OrderedCollections

/// An expression that says which devices a DeviceClass or a request of a ResourceClaim means, such as
/// `device.driver == "gpu.example.com" && device.capacity["gpu.example.com"].memory.isGreaterThan(quantity("10Gi"))`.
///
/// Immutable: shared by any number of tasks.
public struct DeviceSelector: Sendable {
    /// What is known of a device: made once, looked at by any number of selectors.
    public struct Facts: Sendable {
        fileprivate let value: CELValue

        /// - Parameter device: an element of `spec.devices` of a ResourceSlice.
        /// - Throws: where an attribute has no value that expressions know.
        public init(driver: String, _ device: Value) throws(EvaluationError) {
            var attributes: [(name: String, value: CELValue)] = []
            for (name, attribute) in device["attributes"].fields {
                do throws(EvaluationError) { attributes.append((name, try Self.value(attribute))) } catch {
                    throw EvaluationError("attribute \(name): \(error.message)")
                }
            }
            var capacity: [(name: String, value: CELValue)] = []
            for (name, entry) in device["capacity"].fields {
                capacity.append((name, .object(try QuantityValue(entry["value"].string ?? ""))))
            }
            value = .map(
                MapValue([
                    "driver": .string(driver), "allowMultipleAllocations": .bool(device["allowMultipleAllocations"].bool ?? false),
                    "attributes": Self.byDomain(attributes, driver), "capacity": Self.byDomain(capacity, driver),
                ]))
        }

        private static func value(_ attribute: Value) throws(EvaluationError) -> CELValue {
            if let int = attribute["int"].int { return .int(int.int64) }
            if let bool = attribute["bool"].bool { return .bool(bool) }
            if let text = attribute["string"].string { return .string(text) }
            guard let text = attribute["version"].string else { throw EvaluationError("unsupported attribute value") }
            do throws(EvaluationError) { return .object(SemverValue(try Semver(text))) } catch {
                throw EvaluationError("parse semantic version: \(error.message)")
            }
        }

        /// A domain that nobody has is empty, so that an expression may name one that only some devices have.
        private static func byDomain(_ named: [(name: String, value: CELValue)], _ driver: String) -> CELValue {
            var domains: OrderedDictionary<String, OrderedDictionary<String, CELValue>> = [:]
            for (name, value) in named {
                let slash = name.firstIndex(of: "/")
                let domain = slash.map { String(name[..<$0]) } ?? driver
                domains[domain, default: [:]][slash.map { String(name[name.index(after: $0)...]) } ?? name] = value
            }
            return .map(MapValue(domains.mapValues { .map(MapValue($0)) }, fallback: .map(MapValue([:]))))
        }
    }

    /// How much one evaluation may cost, and how long the text may be.
    public static let costLimit: UInt64 = 1_000_000
    public static let longest = 10 * 1024

    private static let environment: Environment = {
        func named(_ element: DeclaredType) -> DeclaredType { .map(of: .map(of: element, maxProperties: 32), maxProperties: 32) }
        let device = DeclaredType.object(
            "kubernetes.DRADevice",
            [
                "driver": .string.with(maxElements: 63), "allowMultipleAllocations": .bool, "attributes": named(.any.with(maxElements: 64)),
                "capacity": named(.quantity),
            ])
        return Environment.kubernetes.with([Variable("device", device)])
    }()

    /// Why an expression selects nothing.
    public struct Invalid: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    private let program: Program

    /// - Throws: `Invalid` in upstream's words.
    public init(_ expression: String) throws(Invalid) {
        let program: Program
        do throws(CompilationError) { program = try Self.environment.compile(expression) } catch {
            throw Invalid(description: error.description)
        }
        guard program.type == .bool || program.type == .any else {
            throw Invalid(description: "must evaluate to bool or the unknown type, not \(program.type)")
        }
        self.program = program
    }

    /// The most that one evaluation can cost, by the sizes that the API lets devices have.
    public var cost: UInt64 { program.cost.max }

    /// - Throws: what went wrong, above all that the device lacks an attribute which the expression does not ask for with `in` or `has`.
    public func matches(_ device: Facts) throws(EvaluationError) -> Bool {
        var budget = Budget(limit: Self.costLimit)
        let result = try program.evaluate(["device": device.value], budget: &budget)
        guard case .bool(let matches) = result else {
            throw EvaluationError(
                "CEL result of type \(result.typeName) could not be converted to bool: type conversion error from '\(result.typeName)' to 'bool'"
            )
        }
        return matches
    }
}
