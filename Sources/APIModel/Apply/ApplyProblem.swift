internal import OrderedCollections

/// What is wrong with an applied configuration, or with an object that it is to be merged with.
public struct ApplyProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// `.spec.containers[name="web"]: duplicate entries for key [name="web"]`, each.
    var problems: [String]

    public var description: String {
        problems.count == 1 ? problems[0] : (["errors:"] + problems.map { "  " + $0 }).joined(separator: "\n")
    }
}

extension ApplyProblem {
    /// Checks that a configuration is of its kind and that its lists can be merged.
    static func check(_ configuration: Value, _ shape: MergeShape) throws(ApplyProblem) {
        var walk = Walk()
        walk.visit(configuration, shape)
        guard walk.problems.isEmpty else { throw ApplyProblem(problems: walk.problems) }
    }

    private struct Walk {
        var problems: [String] = []
        private var path = ""

        private mutating func complain(_ what: String, at place: String? = nil) {
            guard problems.count < JSON.maximumComplaints else { return }
            let path = place ?? path
            problems.append(path.isEmpty ? what : "\(path): \(what)")
        }

        private mutating func descend(_ element: PathElement, _ value: Value, _ shape: MergeShape) {
            let outer = path
            path += element.description
            visit(value, shape)
            path = outer
        }

        mutating func visit(_ value: Value, _ shape: MergeShape) {
            switch shape.form(of: value) {
            case .scalar: scalar(value, shape.scalar)
            case .list(let identity): list(value, identity, shape.element)
            case .map: map(value, shape)
            }
        }

        private mutating func map(_ value: Value, _ shape: MergeShape) {
            guard !value.isNull else { return }
            guard case .object(let fields) = value else { return complain("expected map, got &{\(value.goText)}") }
            for (name, field) in fields {
                guard let inner = shape.field(name) else {
                    // The first says enough: what follows is looked at when this is mended.
                    return complain("field not declared in schema", at: path + PathElement.field(name).description)
                }
                descend(.field(name), field, inner)
            }
        }

        private mutating func list(_ value: Value, _ identity: MergeShape.Identity, _ shape: MergeShape) {
            guard !value.isNull else { return }
            guard case .array(let elements) = value else { return complain("expected list, got &{\(value.goText)}") }
            var seen: Set<PathElement> = []
            for (index, element) in elements.enumerated() {
                guard case .none = identity else {
                    do throws(PathElement.Malformed) {
                        let step = try PathElement(of: element, identity)
                        if !seen.insert(step).inserted { complain("duplicate entries for key \(step)") }
                        descend(step, element, shape)
                    } catch {
                        return complain("element \(index): \(error.description)")
                    }
                    continue
                }
                descend(.index(index), element, shape)
            }
        }

        private mutating func scalar(_ value: Value, _ scalar: MergeShape.Scalar) {
            switch (scalar, value) {
            case (_, .null), (.numeric, .int), (.numeric, .double), (.string, .string), (.boolean, .bool): return
            case (.untyped, .int), (.untyped, .double), (.untyped, .string), (.untyped, .bool): return
            case (.numeric, _): complain("expected numeric (int or float), got \(value.goType)")
            case (.string, _): complain("expected string, got &value.valueUnstructured{Value:\(value.goText)}")
            case (.boolean, _): complain("expected boolean, got &{\(value.goText)}")
            case (.untyped, _): complain("expected any scalar, got &{\(value.goText)}")
            }
        }
    }
}
