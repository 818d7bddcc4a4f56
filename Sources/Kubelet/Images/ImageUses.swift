import APIModel

/// When each image was first seen and last used, and which may go. Knows no clock: times are nanoseconds since 1970. Upstream:
/// `image_gc_manager.go`, `detectImages`.
struct ImageUses: Sendable {
    struct Image: Equatable, Sendable {
        var id: String
        var size: Whole
    }

    private struct Record {
        var firstSeen: Whole
        var lastUsed: Whole = 0
    }
    private var records: [String: Record] = [:]

    /// Takes in what the runtime has. Answers those that may go, the longest unused first.
    /// - Parameters:
    ///   - images: CRI's `Image`s.
    ///   - used: ids and names of images that containers have or are about to get.
    mutating func unused(_ images: [Value], used: Set<String>, policy: ImageCollectionPolicy, at now: Whole) -> [Image] {
        records = records.filter { id, _ in images.contains { $0["id"].string == id } }
        var unused: [(Image, Record)] = []
        for image in images {
            guard let id = image["id"].string else { continue }
            let names = Set([id] + (image["repo_tags"].elements + image["repo_digests"].elements).compactMap(\.string))
            var record = records[id] ?? Record(firstSeen: now)
            let isUsed = !names.isDisjoint(with: used)
            if isUsed { record.lastUsed = now }
            records[id] = record
            if isUsed || image["pinned"].bool == true || !names.isDisjoint(with: policy.kept) { continue }
            unused.append((Image(id: id, size: image["size"].int ?? 0), record))
        }
        return unused.filter { now - $0.1.firstSeen >= policy.minimumAge * 1_000_000_000 }
            .sorted { ($0.1.lastUsed, $0.1.firstSeen, $0.0.id) < ($1.1.lastUsed, $1.1.firstSeen, $1.0.id) }.map(\.0)
    }

    /// Whether it was not used for longer than it may stay. One that was never seen in use has been unused since 1970.
    func isOld(_ image: Image, policy: ImageCollectionPolicy, at now: Whole) -> Bool {
        policy.maximumAge > 0 && now - (records[image.id]?.lastUsed ?? 0) > policy.maximumAge * 1_000_000_000
    }
}
