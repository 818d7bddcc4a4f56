/// What a suite found, check by check.
public struct Report: Sendable {
}
