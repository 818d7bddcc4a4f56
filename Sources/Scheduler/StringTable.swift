internal import PluginAPI
internal import PluginHost

/// Strings by number, as the ABI lends them: equal strings have equal numbers.
///
/// Whoever keeps a number where plugins see it holds it. A number that nobody holds stands for its text for a while yet; when many have come
/// together they are taken back, `epoch` grows, and they may stand for other texts. So the table is as large as what is in use, however many
/// strings come and go. Used by the scheduling thread only, and never while a policy is called.
final class StringTable {
    private var numbers: [String: apus_string] = ["": 0]
    private(set) var texts = Column(apus_borrowed(bytes: nil, count: 0))
    /// Grows when numbers are taken back: what a policy noted of numbers is void then.
    private(set) var epoch: UInt64 = 0

    private struct Use {
        var holders = 0
        /// Whether it stands in `idle`.
        var isIdle = false
    }
    /// By number. The empty string's is held for ever.
    private var uses = [Use(holders: 1)]
    /// Numbers that were held by nobody at some time since numbers were last taken back.
    private var idle: [apus_string] = []
    private var free: [apus_string] = []
    /// Of the texts, and of what else goes with them.
    let memory = SharedPieces()

    /// So many idle numbers, or half of all, are worth taking back.
    static let worthwhile = 1024

    init() { texts.grow(to: 1) }

    deinit {
        for index in 0..<texts.count { memory.free(UnsafeRawBufferPointer(bytes(index))) }
        texts.free()
    }

    /// How many numbers there are, in use or not.
    var count: Int { uses.count }

    /// The number of `text`, held for the caller, who must `release` it.
    func hold(_ text: String) -> apus_string {
        let number = numbers[text] ?? add(text)
        uses[Int(number)].holders += 1
        return number
    }

    /// The number of `text`, `nil` if it has none.
    func number(of text: String) -> apus_string? { numbers[text] }

    /// Gives up what `hold` gave.
    func release(_ number: apus_string) {
        let index = Int(number)
        uses[index].holders -= 1
        precondition(uses[index].holders >= 0, "the string \(text(number)) is released more often than it is held")
        guard uses[index].holders == 0, !uses[index].isIdle else { return }
        uses[index].isIdle = true
        idle.append(number)
        if idle.count >= max(Self.worthwhile, numbers.count / 2) { takeBack() }
    }

    func text(_ number: apus_string) -> String {
        String(decoding: bytes(Int(number)), as: UTF8.self)
    }

    private func bytes(_ index: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: texts[index].bytes, count: Int(texts[index].count))
    }

    private func add(_ text: String) -> apus_string {
        let number = free.popLast() ?? apus_string(uses.count)
        if Int(number) == uses.count {
            uses.append(Use())
            texts.grow(to: uses.count)
        }
        numbers[text] = number
        let bytes = memory.allocate(text.utf8.count).bindMemory(to: UInt8.self)
        _ = bytes.initialize(from: text.utf8)
        texts[Int(number)] = apus_borrowed(bytes: UnsafePointer(bytes.baseAddress), count: UInt64(bytes.count))
        return number
    }

    private func takeBack() {
        let before = free.count
        for number in idle {
            let index = Int(number)
            uses[index].isIdle = false
            guard uses[index].holders == 0 else { continue }
            numbers[text(number)] = nil
            memory.free(UnsafeRawBufferPointer(bytes(index)))
            texts[index] = apus_borrowed(bytes: nil, count: 0)
            free.append(number)
        }
        idle.removeAll(keepingCapacity: true)
        if free.count > before { epoch += 1 }
    }
}
