/// Chooses objects by their labels: what `-l`, `labelSelector=` and `spec.selector` say, with one meaning.
public struct LabelSelector: Sendable, Hashable {
    public struct Requirement: Sendable, Hashable {
        public var key: String
        public var test: Test
    }

    public enum Test: Sendable, Hashable {
        case `in`(Set<String>)
        case notIn(Set<String>)
        case exists
        case doesNotExist
        case greaterThan(Int64)
        case lessThan(Int64)
    }

    public private(set) var requirements: [Requirement] = []
    private var matchesNothing = false

    /// Matches everything.
    public init() {}

    public static let everything = LabelSelector()
    public static let nothing = {
        var selector = LabelSelector()
        selector.matchesNothing = true
        return selector
    }()

    /// All of `labels` must be there: the selector of a Service or a ReplicationController.
    public init(labels: [String: String]) {
        requirements = labels.sorted { $0.key < $1.key }.map { Requirement(key: $0.key, test: .in([$0.value])) }
    }

    /// Reads `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`.
    /// - Throws: a `BadRequest` with upstream's words.
    public init(parsing text: String) throws(APIError) {
        var parser = LabelSelectorParser(text)
        do {
            requirements = try parser.parse()
        } catch {
            throw APIError.badRequest(error.description)
        }
    }

    /// Reads a `metav1.LabelSelector`: `{matchLabels, matchExpressions}`. A missing selector (`.null`) matches nothing, an empty one
    /// everything.
    /// - Throws: a `BadRequest` that names the operator that is none.
    public init(_ labelSelector: Value) throws(APIError) {
        guard !labelSelector.isNull else {
            self = .nothing
            return
        }
        self.init(labels: labelSelector["matchLabels"].strings)
        for expression in labelSelector["matchExpressions"].elements {
            let values = Set(expression["values"].elements.compactMap(\.string))
            let test: Test
            switch expression["operator"].string {
            case "In": test = .in(values)
            case "NotIn": test = .notIn(values)
            case "Exists": test = .exists
            case "DoesNotExist": test = .doesNotExist
            default: throw APIError.badRequest("\"\(expression["operator"].string ?? "")\" is not a valid label selector operator")
            }
            requirements.append(Requirement(key: expression["key"].string ?? "", test: test))
        }
    }

    /// Whether it has no requirements, so matches every object. `nothing` is not empty.
    public var isEmpty: Bool { requirements.isEmpty && !matchesNothing }

    /// The labels that every match must have with one certain value.
    public var equalities: [(key: String, value: String)] {
        requirements.compactMap { requirement in
            if case .in(let values) = requirement.test, values.count == 1, let value = values.first {
                (requirement.key, value)
            } else {
                nil
            }
        }
    }

    /// How much one comparison costs: its requirements, and the values that they name.
    public var weight: Int {
        requirements.reduce(0) { sum, requirement in
            switch requirement.test {
            case .in(let values), .notIn(let values): sum + max(1, values.count)
            case .exists, .doesNotExist, .greaterThan, .lessThan: sum + 1
            }
        }
    }

    public func matches(_ labels: [String: String]) -> Bool {
        !matchesNothing && requirements.allSatisfy { $0.test.accepts(labels[$0.key]) }
    }

    /// Matches the labels of an object without copying them.
    public func matches(labelsOf object: Value) -> Bool {
        guard !matchesNothing else { return false }
        guard !requirements.isEmpty else { return true }
        let labels = object["metadata"]["labels"]
        return requirements.allSatisfy { $0.test.accepts(labels[$0.key].string) }
    }
}

extension LabelSelector.Test {
    func accepts(_ value: String?) -> Bool {
        switch self {
        case .in(let values): value.map(values.contains) ?? false
        case .notIn(let values): value.map { !values.contains($0) } ?? true
        case .exists: value != nil
        case .doesNotExist: value == nil
        case .greaterThan(let limit): value.flatMap { Int64($0) }.map { $0 > limit } ?? false
        case .lessThan(let limit): value.flatMap { Int64($0) }.map { $0 < limit } ?? false
        }
    }
}

extension LabelSelector: CustomStringConvertible {
    /// Upstream's form: `a=b,c in (d,e),!f`.
    public var description: String {
        if matchesNothing { return "<nothing>" }
        return requirements.map { requirement in
            switch requirement.test {
            case .in(let values) where values.count == 1: "\(requirement.key)=\(values.first ?? "")"
            case .in(let values): "\(requirement.key) in (\(values.sorted().joined(separator: ",")))"
            case .notIn(let values): "\(requirement.key) notin (\(values.sorted().joined(separator: ",")))"
            case .exists: requirement.key
            case .doesNotExist: "!\(requirement.key)"
            case .greaterThan(let limit): "\(requirement.key)>\(limit)"
            case .lessThan(let limit): "\(requirement.key)<\(limit)"
            }
        }.joined(separator: ",")
    }
}
