import APIModel
import OrderedCollections

/// Which of the names that definitions ask for they get: the older definition keeps a name, and none gets one that the program's own kinds
/// of the same group have.
struct CustomNames {
    /// Names that are taken, by group.
    private var resources: [String: Set<String>] = [:]
    private var kinds: [String: Set<String>] = [:]

    init(_ builtin: Catalogue) {
        for type in builtin.resources {
            resources[type.group, default: []].formUnion([type.name, type.singularName] + type.shortNames)
            kinds[type.group, default: []].formUnion([type.kind, type.kind + "List"])
        }
    }

    struct Verdict {
        var accepted: Value
        var reason = "NoConflicts"
        var message = "no conflicts found"
        var isAccepted: Bool { reason == "NoConflicts" }
    }

    /// Decides for one definition and remembers what it got. To be asked in the order of age.
    mutating func decide(_ definition: Value) -> Verdict {
        let group = definition[path: "spec", "group"].string ?? ""
        let (wanted, before) = (definition[path: "spec", "names"], definition[path: "status", "acceptedNames"])
        var verdict = Verdict(accepted: before)
        var (names, kindNames) = (resources[group] ?? [], kinds[group] ?? [])
        func take(_ field: String, _ taken: inout Set<String>, _ reason: String) {
            let name = wanted[field].string ?? ""
            guard !name.isEmpty, taken.contains(name) else {
                verdict.accepted[field] = wanted[field]
                return
            }
            (verdict.reason, verdict.message) = (reason, "\"\(name)\" is already in use")
        }
        take("plural", &names, "PluralConflict")
        take("singular", &names, "SingularConflict")
        let shortNames = wanted["shortNames"].elements.compactMap(\.string)
        let clashes = shortNames.filter { names.contains($0) }
        if clashes.isEmpty {
            verdict.accepted["shortNames"] = wanted["shortNames"]
        } else {
            let listed = clashes.map { "\"\($0)\" is already in use" }.joined(separator: ", ")
            (verdict.reason, verdict.message) = ("ShortNamesConflict", clashes.count == 1 ? listed : "[\(listed)]")
        }
        take("kind", &kindNames, "KindConflict")
        take("listKind", &kindNames, "ListKindConflict")
        verdict.accepted["categories"] = wanted["categories"]
        names.formUnion([verdict.accepted["plural"].string ?? "", verdict.accepted["singular"].string ?? ""])
        names.formUnion(verdict.accepted["shortNames"].elements.compactMap(\.string))
        kindNames.formUnion([verdict.accepted["kind"].string ?? "", verdict.accepted["listKind"].string ?? ""])
        resources[group] = names.subtracting([""])
        kinds[group] = kindNames.subtracting([""])
        return verdict
    }
}
