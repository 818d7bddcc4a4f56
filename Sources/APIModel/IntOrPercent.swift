/// A number, or a share of another, as `maxSurge` and `minAvailable` are written.
public enum IntOrPercent: Hashable, Sendable {
    case count(Whole)
    case percent(Whole)

    /// `nil` for what is neither a whole number nor digits before a `%`.
    public init?(_ value: Value) {
        if let number = value.int {
            self = .count(number)
        } else if let text = value.string, text.hasSuffix("%"), let number = Whole(text.dropLast()) {
            self = .percent(number)
        } else {
            return nil
        }
    }

    /// The number itself, or that share of `all`.
    public func resolved(of all: Whole, roundedUp: Bool) -> Whole {
        switch self {
        case .count(let number): number
        case .percent(let number): (roundedUp ? number * all + 99 : number * all) / 100
        }
    }
}
