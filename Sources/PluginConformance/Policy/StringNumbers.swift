internal import PluginAPI

/// Numbers for strings, as the scheduler gives them: zero is the empty string, equal strings have equal numbers.
struct StringNumbers {
    private(set) var strings = [""]
    private var numbers: [String: apus_string] = ["": 0]

    mutating func number(_ string: String) -> apus_string {
        if let number = numbers[string] { return number }
        let number = apus_string(strings.count)
        strings.append(string)
        numbers[string] = number
        return number
    }
}
