import APIModel

/// The time of day.
enum Clock {
    static var seconds: Whole { Timestamp.nowSeconds() }
}
