internal import APIModel
internal import ArgumentParser

/// The families of a cluster's networks, the primary one first.
struct IPFamilies: ExpressibleByArgument, Equatable {
    static let `default` = IPFamilies([.ipv4])

    let families: [IPFamily]

    private init(_ families: [IPFamily]) { self.families = families }

    /// `nil` for anything but one of a kind, or both.
    init?(argument: String) {
        let words = argument.split(separator: ",", omittingEmptySubsequences: false).map { word in
            IPFamily.allCases.first { $0.rawValue.lowercased() == word.lowercased() }
        }
        let families = words.compactMap { $0 }
        guard families.count == words.count, Set(families).count == families.count else { return nil }
        self.families = families
    }

    var defaultValueDescription: String { families.map(\.rawValue).joined(separator: ",") }

    /// Of something that there is of each family, those of these families.
    func choose<Element: OfIPFamily>(_ element: (IPFamily) -> Element) -> DualStack<Element> {
        guard let chosen = DualStack(families.map(element)) else { fatalError("a list of families has no or two of one family") }
        return chosen
    }
}
