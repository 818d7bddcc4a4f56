/// `$(NAME)` references in commands, arguments and values. An unknown name stays as it is written; `$$` is a dollar sign. Upstream:
/// `third_party/forked/golang/expansion`.
enum Expansion {
    static func expand(_ input: String, _ value: (String) -> String?) -> String {
        let text = Array(input.utf8)
        guard text.contains(UInt8(ascii: "$")) else { return input }
        var output: [UInt8] = []
        var index = 0
        while index < text.count {
            guard text[index] == UInt8(ascii: "$"), index + 1 < text.count else {
                output.append(text[index])
                index += 1
                continue
            }
            switch text[index + 1] {
            case UInt8(ascii: "$"):
                output.append(UInt8(ascii: "$"))
                index += 2
            case UInt8(ascii: "("):
                guard let end = text[(index + 2)...].firstIndex(of: UInt8(ascii: ")")) else {
                    output += [UInt8(ascii: "$"), UInt8(ascii: "(")]
                    index += 2
                    continue
                }
                let name = String(decoding: text[(index + 2)..<end], as: UTF8.self)
                output += (value(name) ?? "$(\(name))").utf8
                index = end + 1
            default:
                output += text[index...index + 1]
                index += 2
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
