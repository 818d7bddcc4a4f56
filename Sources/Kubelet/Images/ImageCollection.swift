import APIModel
import Logging

/// Removes images that nobody uses, when their disk gets full or they get old. Upstream: `images/image_gc_manager.go`.
actor ImageCollection {
    private let cri: CRI
    private let images: Images
    private let policy: ImageCollectionPolicy
    private let nodeName: String
    private let events: any EventSink
    private let log: Logger
    /// The disk that images are on; `nil` when that cannot be told.
    private let disk: @Sendable () async -> Observation?
    private var uses = ImageUses()
    private let began = Clock.nanoseconds()
    private var failures = 0

    /// Upstream's.
    private static let period = Duration.seconds(300)

    init(_ context: Context, disk: @escaping @Sendable () async -> Observation?) {
        (cri, images, events, log) = (context.cri, context.images, context.events, context.log)
        (policy, nodeName) = (context.configuration.imageCollection, context.configuration.nodeName)
        self.disk = disk
    }

    /// Looks until cancelled.
    func run() async {
        while !Task.isCancelled {
            await look()
            try? await Task.sleep(for: Self.period)
        }
    }

    /// Sees which images are used, and removes what is too old or too much.
    func look() async {
        do {
            try await collect()
            let now = Clock.seconds()
            await images.keep(Set(try await cri.images().compactMap { $0["id"].string }), asOf: now)
            failures = 0
        } catch {
            if Task.isCancelled { return }
            failures += 1
            log.warning("images were not collected: \(error)")
            // Once may be because nothing was measured yet.
            if failures > 1 { events.event(aboutNode: nodeName, .warning, "ImageGCFailed", "\(error)") }
        }
    }

    private func collect() async throws {
        let now = Clock.nanoseconds()
        var unused = try await unused(at: now)
        if policy.isOff { return }
        if now - began > policy.maximumAge * 1_000_000_000 {
            let old = unused.filter { uses.isOld($0, policy: policy, at: now) }
            _ = try await remove(old, bytes: .max)
            unused.removeAll { old.contains($0) }
        }
        guard let disk = await disk() else { return }
        if disk.capacity == 0 {
            events.event(aboutNode: nodeName, .warning, "InvalidDiskCapacity", "invalid capacity 0 on image filesystem")
            throw Failure(description: "invalid capacity 0 on image filesystem")
        }
        let excess = policy.excess(disk)
        guard excess > 0 else { return }
        let freed = try await remove(unused, bytes: excess)
        guard freed < excess else { return }
        let message =
            "Insufficient free disk space on the node's image filesystem (\(ImageCollectionPolicy.usedPercent(disk))% of \(BinarySize.text(disk.capacity)) used). "
            + "Failed to free sufficient space by deleting unused images (freed \(freed) bytes). "
            + "Investigate disk usage, as it could be used by active images, logs, volumes, or other data."
        events.event(aboutNode: nodeName, .warning, "FreeDiskSpaceFailed", message)
        throw Failure(description: message)
    }

    struct Failure: Error, CustomStringConvertible { let description: String }

    /// Removes every image that nobody uses and that is old enough.
    func removeAllUnused() async throws { _ = try await remove(try await unused(at: Clock.nanoseconds()), bytes: .max) }

    private func unused(at now: Whole) async throws -> [ImageUses.Image] {
        let (known, used) = (try await cri.images(), try await used())
        return uses.unused(known, used: used, policy: policy, at: now)
    }

    /// Ids and names of what containers have, running or not, and of what was handed out for one lately.
    private func used() async throws -> Set<String> {
        var used = images.handedOut(since: Clock.nanoseconds() - policy.minimumAge * 1_000_000_000)
        for container in try await cri.containers() {
            for name in [container["image_ref"], container["image_id"], container[path: "image", "image"]] {
                if let name = name.string, !name.isEmpty { used.insert(name) }
            }
        }
        return used
    }

    /// Removes one after the other until so much is freed, asking again before each whether somebody uses it by now. Tries all, and throws
    /// when one did not go.
    private func remove(_ unused: [ImageUses.Image], bytes: Whole) async throws -> Whole {
        var (freed, problems) = (Whole(0), [String]())
        for image in unused where freed < bytes {
            guard try await self.unused(at: Clock.nanoseconds()).contains(image) else { continue }
            log.info("removing an image that nobody uses", metadata: ["image": "\(image.id)", "size": "\(image.size)"])
            do {
                try await cri.removeImage(image.id)
                freed = freed + image.size
            } catch {
                problems.append("\(error)")
            }
        }
        guard problems.isEmpty else {
            throw Failure(
                description:
                    "wanted to free \(bytes) bytes, but freed \(freed) bytes space with errors in image deletion: \(problems.joined(separator: ", "))"
            )
        }
        return freed
    }
}

/// Sizes as upstream's messages have them: `1.5 GiB`.
enum BinarySize {
    static func text(_ bytes: Whole) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        var (size, unit) = (Double(bytes), 0)
        while size >= 1024, unit < units.count - 1 { (size, unit) = (size / 1024, unit + 1) }
        if unit == 0 { return "\(bytes) B" }
        let tenths = Whole((size * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}
