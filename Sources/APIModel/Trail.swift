/// The way that a walk has taken into a document, made into text only where there is something to tell: `spec.containers[0].image`.
struct Trail {
    enum Step {
        case name(String)
        case index(Int)
    }

    /// A way that is longer, in bytes, is cut: what a complaint says of a field is for people.
    private static let longest = 1024

    private var steps: [Step] = []

    mutating func push(_ step: Step) { steps.append(step) }
    mutating func pop() { steps.removeLast() }

    /// The field `name` of where the walk is.
    func text(to name: String) -> String {
        var text = ""
        for step in steps + [.name(name)] {
            switch step {
            case .name(let name): text += text.isEmpty ? name : ".\(name)"
            case .index(let index): text += "[\(index)]"
            }
            guard text.utf8.count <= Self.longest else { return text.prefix(Self.longest) + "…" }
        }
        return text
    }
}
