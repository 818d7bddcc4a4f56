/// One line of a catalogue, cut at its spaces; a word becomes a `String` when asked for.
struct CatalogueWords {
    private let line: UnsafeBufferPointer<UInt8>
    /// Where each word begins, and where the one after the last would.
    private var starts: [Int] = [0]

    /// - Parameter limit: the last of so many words has the rest of the line, spaces included.
    init(_ line: UnsafeBufferPointer<UInt8>, limit: Int = .max) {
        self.line = line
        for index in line.indices where line[index] == UInt8(ascii: " ") && starts.count < limit { starts.append(index + 1) }
        starts.append(line.count + 1)
    }

    var count: Int { starts.count - 1 }

    subscript(index: Int) -> String { String(decoding: slice(index), as: UTF8.self) }

    func from(_ first: Int) -> [String] { (first..<max(first, count)).map { self[$0] } }

    /// The numbers of a word such as `2:2:1`.
    func numbers(_ index: Int) -> [Int32] {
        var numbers: [Int32] = [0]
        for byte in slice(index) {
            if byte == UInt8(ascii: ":") {
                numbers.append(0)
            } else {
                numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int32(byte - UInt8(ascii: "0"))
            }
        }
        return numbers
    }

    private func slice(_ index: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: line[starts[index]..<starts[index + 1] - 1])
    }
}
