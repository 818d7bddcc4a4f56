/// Text of a plugin's for a log, where it can neither begin a line of its own nor command the reader's terminal.
enum LogText {
    static func printable(_ bytes: some Sequence<UInt8>) -> String {
        var text = String.UnicodeScalarView()
        for scalar in String(decoding: Array(bytes), as: UTF8.self).unicodeScalars {
            text.append(scalar.properties.generalCategory == .control && scalar != "\t" ? " " : scalar)
        }
        return String(text)
    }
}
