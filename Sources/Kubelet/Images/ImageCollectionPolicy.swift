public import APIModel

/// When images that nobody uses are removed. Upstream: `images/image_gc_manager.go`.
public struct ImageCollectionPolicy: Equatable, Sendable {
    /// Past this share of the images' disk, in percent, images go; 100 is never.
    public var highThreshold: Whole = 85
    /// They go until so much of it is in use.
    public var lowThreshold: Whole = 80
    /// What is younger stays, in seconds.
    public var minimumAge: Whole = 120
    /// What was not used for longer goes, however much room there is, in seconds; 0 is never.
    public var maximumAge: Whole = 0
    /// Names of images that stay, whatever the runtime says: those of sandboxes.
    public var kept: Set<String> = []

    public init() {}

    var isOff: Bool { highThreshold == 100 && maximumAge == 0 }

    /// How many bytes have to be freed of a disk.
    func excess(_ disk: Observation) -> Whole {
        let available = min(disk.available, disk.capacity)
        guard disk.capacity > 0, Self.usedPercent(disk) >= highThreshold else { return 0 }
        return max(disk.capacity / 100 * (100 - lowThreshold) - available, 0)
    }

    static func usedPercent(_ disk: Observation) -> Whole { 100 - min(disk.available, disk.capacity) * 100 / disk.capacity }
}
