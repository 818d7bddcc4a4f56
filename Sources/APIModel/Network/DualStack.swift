/// One of a family, or one of each: addresses or networks as flags have them, with a comma between. The first is of the primary family.
public struct DualStack<Element: OfIPFamily>: RandomAccessCollection {
    public let primary: Element
    /// Of the other family.
    public let secondary: Element?

    /// `nil` for none, for more than two, and for two of one family.
    public init?(_ elements: some Sequence<Element>) {
        let elements = Array(elements)
        guard (1...2).contains(elements.count), elements.count == 1 || elements[0].family != elements[1].family else { return nil }
        primary = elements[0]
        secondary = elements.count == 2 ? elements[1] : nil
    }

    public init(_ single: Element) { self.init(primary: single, secondary: nil) }

    private init(primary: Element, secondary: Element?) {
        (self.primary, self.secondary) = (primary, secondary)
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { secondary == nil ? 1 : 2 }
    public subscript(index: Int) -> Element { index == 0 ? primary : secondary! }

    /// What `transform` makes of each, which must be of the same family.
    public func mapEach<Other: OfIPFamily>(_ transform: (Element) throws -> Other) rethrows -> DualStack<Other> {
        try DualStack<Other>(primary: transform(primary), secondary: secondary.map(transform))
    }

    /// The one of a family.
    public subscript(family: IPFamily) -> Element? { first { $0.family == family } }
    /// Its families, the primary one first.
    public var families: [IPFamily] { map(\.family) }
}

extension DualStack: Equatable where Element: Equatable {}
extension DualStack: Hashable where Element: Hashable {}
extension DualStack: Sendable where Element: Sendable {}

extension DualStack: CustomStringConvertible where Element: CustomStringConvertible {
    /// As flags have it.
    public var description: String { map(\.description).joined(separator: ",") }
}

extension DualStack: LosslessStringConvertible where Element: LosslessStringConvertible {
    public init?(_ text: String) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Element(String($0).trimmed) }
        guard !parts.contains(where: { $0 == nil }) else { return nil }
        self.init(parts.compactMap { $0 })
    }
}
