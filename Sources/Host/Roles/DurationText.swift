internal import APIModel

/// Durations of flags, as Go writes them: `8760h`, `1h30m`, `90s`.
enum DurationText {
    private static let units: [Character: Whole] = ["h": 3600, "m": 60, "s": 1]

    /// In seconds; `nil` for what is no duration of whole hours, minutes and seconds.
    static func seconds(_ text: String) -> Whole? {
        var (sum, digits): (Whole, String) = (0, "")
        for character in text {
            if character.isASCII, character.isNumber {
                digits.append(character)
            } else {
                guard let unit = units[character], let count = Whole(digits) else { return nil }
                sum = sum + count * unit
                digits = ""
            }
        }
        return digits.isEmpty && !text.isEmpty ? sum : nil
    }
}
