/// How much of matching was done, and how much may be. What is stopped for it finds nothing more.
struct MatchingEffort {
    /// Characters times ways to match that were under way.
    var steps: UInt64 = 0
    var most: UInt64 = .max

    var isExhausted: Bool { steps > most }
}

/// Runs a program over text: all ways to match at once, in order of preference, one character at a time.
///
/// The time is at most the length of the text times that of the program, whatever the pattern.
struct PatternMachine {
    private let program: PatternProgram
    private let text: UnsafeBufferPointer<UInt8>
    /// How many places are noted: none if only the match counts.
    private let slotCount: Int

    /// Ways to match that are under way, those that are preferred first.
    private struct Threads {
        /// The place of each instruction in `dense`, if it is there.
        var sparse: [Int32]
        var dense: [Int32] = []
        /// The noted places, by the thread's place.
        var slots: [Int32]

        init(_ count: Int, slotCount: Int) {
            sparse = Array(repeating: 0, count: count)
            dense.reserveCapacity(count)
            slots = Array(repeating: -1, count: count * slotCount)
        }

        @inline(__always)
        func contains(_ instruction: Int32) -> Bool {
            let place = Int(sparse[Int(instruction)])
            return place < dense.count && dense[place] == instruction
        }
    }

    /// What is still to be added, and the places noted on the way there.
    private struct Path {
        enum Step {
            case visit(Int32)
            /// Puts back what a slot was before a branch.
            case restore(Int, Int32)
        }

        var steps: [Step] = []
        var slots: [Int32]
    }

    private var path: Path
    private var current: Threads
    private var following: Threads
    private(set) var effort: MatchingEffort

    init(_ program: PatternProgram, _ text: UnsafeBufferPointer<UInt8>, slotCount: Int, _ effort: MatchingEffort) {
        self.program = program
        self.text = text
        self.slotCount = slotCount
        self.effort = effort
        current = Threads(program.instructions.count, slotCount: slotCount)
        following = current
        path = Path(slots: Array(repeating: -1, count: slotCount))
    }

    /// The places of the first match at or after `start`, `nil` where there is none.
    mutating func run(from start: Int) -> [Int32]? {
        current.dense.removeAll(keepingCapacity: true)
        var match: [Int32]?
        var position = start
        var previous = start > 0 ? scalar(before: start) : nil
        while true {
            let (next, width) = scalar(at: position)
            if match == nil, !program.isAnchored || position == 0 {
                for index in path.slots.indices { path.slots[index] = -1 }
                Self.add(program.start, program, &current, &path, position, previous, next)
            }
            // Only a later start could still match.
            if current.dense.isEmpty, match != nil || program.isAnchored { return match }
            effort.steps &+= 1 + UInt64(current.dense.count)
            if effort.isExhausted { return nil }
            if let found = step(next, position + width) { match = found }
            if match != nil, slotCount == 0 { return match }
            guard next != nil else { return match }
            swap(&current, &following)
            position += width
            previous = next
        }
    }

    /// Lets every thread take one character. Returns the places of a match, for which all that are less preferred end.
    private mutating func step(_ scalar: UInt32?, _ position: Int) -> [Int32]? {
        following.dense.removeAll(keepingCapacity: true)
        let (after, _) = self.scalar(at: position)
        for place in current.dense.indices {
            let instruction = program.instructions[Int(current.dense[place])]
            let isTaken: Bool
            switch instruction.operation {
            case .match: return Array(current.slots[place * slotCount..<(place + 1) * slotCount])
            case .scalar: isTaken = scalar == instruction.argument
            case .characterClass: isTaken = scalar.map { program.classes[Int(instruction.argument)].contains($0) } ?? false
            case .any: isTaken = scalar != nil
            case .fail, .split, .save, .assert: isTaken = false
            }
            guard isTaken else { continue }
            for index in 0..<slotCount { path.slots[index] = current.slots[place * slotCount + index] }
            Self.add(instruction.next, program, &following, &path, position, scalar, after)
        }
        return nil
    }

    /// Adds a thread and all that follow from it without taking a character, preferred ones first.
    private static func add(
        _ start: Int32, _ program: PatternProgram, _ threads: inout Threads, _ path: inout Path, _ position: Int, _ previous: UInt32?,
        _ next: UInt32?
    ) {
        let slotCount = path.slots.count
        path.steps.append(.visit(start))
        while let step = path.steps.popLast() {
            guard case .visit(let index) = step else {
                if case .restore(let slot, let place) = step { path.slots[slot] = place }
                continue
            }
            if threads.contains(index) { continue }
            threads.sparse[Int(index)] = Int32(threads.dense.count)
            threads.dense.append(index)
            let instruction = program.instructions[Int(index)]
            switch instruction.operation {
            case .split:
                path.steps.append(.visit(Int32(bitPattern: instruction.argument)))
                path.steps.append(.visit(instruction.next))
            case .save:
                let slot = Int(instruction.argument)
                if slot < slotCount {
                    path.steps.append(.restore(slot, path.slots[slot]))
                    path.slots[slot] = Int32(truncatingIfNeeded: position)
                }
                path.steps.append(.visit(instruction.next))
            case .assert:
                if let assertion = Assertion(rawValue: UInt8(truncatingIfNeeded: instruction.argument)), holds(assertion, previous, next) {
                    path.steps.append(.visit(instruction.next))
                }
            case .match, .scalar, .characterClass, .any:
                let place = (threads.dense.count - 1) * slotCount
                for slot in 0..<slotCount { threads.slots[place + slot] = path.slots[slot] }
            case .fail: break
            }
        }
    }

    private static func holds(_ assertion: Assertion, _ previous: UInt32?, _ next: UInt32?) -> Bool {
        func isWord(_ scalar: UInt32?) -> Bool { scalar.map(CharacterClass.word.contains) ?? false }
        return switch assertion {
        case .beginLine: previous == nil || previous == 10
        case .endLine: next == nil || next == 10
        case .beginText: previous == nil
        case .endText: next == nil
        case .wordBoundary: isWord(previous) != isWord(next)
        case .noWordBoundary: isWord(previous) == isWord(next)
        }
    }

    // MARK: Text

    private func scalar(at position: Int) -> (UInt32?, width: Int) {
        guard position < text.count else { return (nil, 0) }
        let first = UInt32(text[position])
        if first < 0x80 { return (first, 1) }
        // The text of a string is well-formed, so the bytes that follow are there.
        func more(_ index: Int) -> UInt32 { position + index < text.count ? UInt32(text[position + index]) & 0x3f : 0 }
        if first < 0xe0 { return ((first & 0x1f) << 6 | more(1), 2) }
        if first < 0xf0 { return ((first & 0x0f) << 12 | more(1) << 6 | more(2), 3) }
        return ((first & 0x07) << 18 | more(1) << 12 | more(2) << 6 | more(3), 4)
    }

    private func scalar(before position: Int) -> UInt32? {
        var start = position - 1
        while start > 0, text[start] & 0xc0 == 0x80 { start -= 1 }
        return scalar(at: start).0
    }
}
