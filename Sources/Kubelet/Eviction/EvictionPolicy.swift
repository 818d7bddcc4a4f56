public import APIModel

/// What an operator says of it, in upstream's words.
public struct EvictionSettings: Equatable, Sendable {
    /// By signal: `100Mi` or `10%`. `0%` and `100%` are none.
    public var hard = Self.defaultHard
    public var soft: [String: String] = [:]
    /// How long a soft threshold has to last, in seconds.
    public var softGrace: [String: Whole] = [:]
    /// How much more than a threshold has to be free before it counts as over.
    public var minimumReclaim: [String: String] = [:]
    /// How long pods may take to go for a soft threshold, in seconds.
    public var maxPodGracePeriod: Whole = 0
    /// How long a node says that it is short of something after it last was, in seconds.
    public var transitionPeriod: Whole = 300

    public static let defaultHard = [
        "memory.available": "100Mi", "nodefs.available": "10%", "nodefs.inodesFree": "5%", "imagefs.available": "15%",
        "imagefs.inodesFree": "5%",
    ]

    public init() {}
}

/// When a node is short of something, and what it does then. Upstream: `kubelet/eviction/helpers.go`.
public struct EvictionPolicy: Equatable, Sendable {
    /// A part of what there is, or so much of it.
    enum Amount: Equatable, Sendable {
        case quantity(Quantity)
        /// From 0 to 1.
        case share(Double)

        func of(_ capacity: Whole) -> Whole {
            switch self {
            case .quantity(let quantity): quantity.value
            case .share(let share): Whole(Double(capacity) * share)
            }
        }
    }

    struct Threshold: Hashable, Sendable {
        var signal: EvictionSignal
        var amount: Amount
        /// Seconds that it has to last before pods go; `nil` for a hard one, which acts at once.
        var grace: Whole?
        /// How much more than the threshold has to be free before it counts as over.
        var minimumReclaim: Amount?
    }

    public struct Problem: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    public let settings: EvictionSettings
    /// Hard ones first, in the order of the signals.
    let thresholds: [Threshold]

    /// Upstream's.
    public static let standard = (try? EvictionPolicy(EvictionSettings())) ?? EvictionPolicy()

    private init() { (settings, thresholds) = (EvictionSettings(), []) }

    public init(_ settings: EvictionSettings) throws(Problem) {
        self.settings = settings
        let reclaims = try Self.reclaims(settings.minimumReclaim)
        var thresholds: [Threshold] = []
        for (signal, amount) in try Self.amounts(settings.hard) { thresholds.append(Threshold(signal: signal, amount: amount)) }
        for name in settings.softGrace.keys.sorted() where !Self.ofContainers.contains(name) { _ = try Self.signal(name) }
        for (signal, amount) in try Self.amounts(settings.soft) {
            guard let grace = settings.softGrace[signal.rawValue] else {
                throw Problem(description: "grace period must be specified for the soft eviction threshold \(signal.rawValue)")
            }
            thresholds.append(Threshold(signal: signal, amount: amount, grace: grace))
        }
        self.thresholds = thresholds.map { threshold in
            var threshold = threshold
            threshold.minimumReclaim = reclaims.first { $0.0 == threshold.signal }?.1
            return threshold
        }
    }

    /// What containers write is on the disk of the node or on that of images, whose thresholds are theirs whatever is said here.
    private static let ofContainers: Set<String> = ["containerfs.available", "containerfs.inodesFree"]

    private static func signal(_ name: String) throws(Problem) -> EvictionSignal {
        guard let signal = EvictionSignal(rawValue: name) else { throw Problem(description: "unsupported eviction signal \(name)") }
        return signal
    }

    private static func amounts(_ texts: [String: String]) throws(Problem) -> [(EvictionSignal, Amount)] {
        try read(texts) { name, text, amount throws(Problem) in
            switch amount {
            case .share(let share):
                guard (0...1).contains(share) else {
                    throw Problem(description: "eviction percentage threshold \(name) must be \(share < 0 ? ">= 0%" : "<= 100%"): \(text)")
                }
                return share > 0 && share < 1
            case .quantity(let quantity):
                guard quantity > .zero else { throw Problem(description: "eviction threshold \(name) must be positive: \(quantity)") }
                return true
            }
        }
    }

    private static func reclaims(_ texts: [String: String]) throws(Problem) -> [(EvictionSignal, Amount)] {
        try read(texts) { name, text, amount throws(Problem) in
            switch amount {
            case .share(let share):
                guard share > 0 else {
                    throw Problem(description: "eviction percentage minimum reclaim \(name) must be positive: \(text)")
                }
            case .quantity(let quantity):
                guard quantity >= .zero else { throw Problem(description: "negative eviction minimum reclaim specified for \(name)") }
            }
            return true
        }
    }

    /// - Parameter counts: throws for what there cannot be; answers whether it means anything.
    private static func read(
        _ texts: [String: String], _ counts: (_ name: String, _ text: String, _ amount: Amount) throws(Problem) -> Bool
    ) throws(Problem) -> [(EvictionSignal, Amount)] {
        var amounts: [EvictionSignal: Amount] = [:]
        for (name, text) in texts where !ofContainers.contains(name) {
            let (signal, amount) = (try signal(name), try amount(text, of: name))
            if try counts(name, text, amount) { amounts[signal] = amount }
        }
        return EvictionSignal.allCases.compactMap { signal in amounts[signal].map { (signal, $0) } }
    }

    private static func amount(_ text: String, of name: String) throws(Problem) -> Amount {
        if let percent = text.hasSuffix("%") ? Double(text.dropLast()) : nil, percent.isFinite { return .share(percent / 100) }
        guard let quantity = try? Quantity(text) else { throw Problem(description: "eviction threshold \(name) is no amount: \(text)") }
        return .quantity(quantity)
    }

    /// What is kept back from pods so that they do not go at once: the hard threshold of a signal, of so much.
    func reserved(_ signal: EvictionSignal, of capacity: Whole) -> Whole {
        thresholds.first { $0.signal == signal && $0.grace == nil }?.amount.of(capacity) ?? 0
    }
}

extension EvictionPolicy.Amount: Hashable {
    func hash(into hasher: inout Hasher) {
        switch self {
        case .quantity(let quantity): hasher.combine(quantity.value)
        case .share(let share): hasher.combine(share)
        }
    }
}

extension EvictionPolicy.Threshold {
    /// - Parameter isReclaiming: whether as much more as is to be got back counts as missing.
    func isMet(_ observation: Observation, isReclaiming: Bool) -> Bool {
        let extra = isReclaiming ? minimumReclaim?.of(observation.capacity) ?? 0 : 0
        return amount.of(observation.capacity) + extra > observation.available
    }

    /// The limit in words of messages.
    func quantity(of capacity: Whole) -> Quantity {
        if case .quantity(let quantity) = amount { return quantity }
        return signal.quantity(amount.of(capacity))
    }
}
