import APIModel
import Exposition
import HTTPServer
import HTTPTypes
import NIOCore
import Store

/// Streams the changes of a collection to one client until its time is up, it goes away, or it falls too far behind.
struct WatchResponder: Sendable {
    /// How often a bookmark tells a quiet watcher where it stands.
    private static let bookmarkInterval: Duration = .seconds(60)
    /// For a watch that names no end: spread, so that clients do not come back all at once.
    private static let defaultTimeout = 1800...3600

    let metrics: Metrics

    /// - Parameters:
    ///   - registry: for kinds that a webhook converts.
    ///   - seat: given back when it has told what there is.
    func respond(
        _ source: WatchSource, _ target: Target, _ query: ListQuery, _ presenter: Presenter, _ registry: Registry, _ seat: Held?
    ) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = presenter.watchContentType
        headers[.cacheControl] = "no-cache, private"
        let timeout = Duration.seconds(query.timeoutSeconds.flatMap { $0 > 0 ? $0 : nil } ?? Whole(Int.random(in: Self.defaultTimeout)))
        let told = metrics.events(of: target.type.groupVersionResource)
        let begin = ContinuousClock.now
        return .stream(status: .ok, headers: headers) { writer in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await Self.keepTime(source.watch, timeout: timeout, sendsBookmarks: query.allowsBookmarks) }
                defer {
                    source.watch.cancel()
                    group.cancelAll()
                }
                do {
                    let isFirst = try await Self.tellInitial(source, presenter, registry, told, writer)
                    seat?.giveBack()
                    if source.marksInitialEnd { tellDuration(target, since: begin) }
                    try await writer.onConnectionsThread {
                        try await Self.follow(
                            source, presenter, registry, told, isFirst: isFirst, sendsBookmarks: query.allowsBookmarks, writer)
                    }
                } catch let error as APIError {
                    // A webhook that does not convert ends the watch.
                    try await writer.write(presenter.error(error))
                } catch let error as StoreError {
                    // Too far behind: history has moved on.
                    try await writer.write(presenter.error(Registry.error(error, target)))
                }
            }
        }
    }

    private func tellDuration(_ target: Target, since begin: ContinuousClock.Instant) {
        let (type, scope) = (target.type, target.name.isEmpty ? target.namespace.isEmpty ? "cluster" : "namespace" : "resource")
        metrics.watchLists.add(type.group, type.name, scope, type.version, duration: ContinuousClock.now - begin)
    }

    /// A watch from too long ago begins and ends with this event, as clients expect it.
    func expired(_ error: APIError, _ presenter: Presenter) throws -> Response {
        var headers = HTTPFields()
        headers[.contentType] = presenter.watchContentType
        let frame = try presenter.error(error)
        return .stream(status: .ok, headers: headers) { try await $0.write(frame) }
    }

    /// Nudges the watch for its bookmarks and ends it in time.
    private static func keepTime(_ watch: Watch, timeout: Duration, sendsBookmarks: Bool) async throws {
        let clock = ContinuousClock()
        let end = clock.now + timeout
        while clock.now < end {
            let next = sendsBookmarks ? min(clock.now + bookmarkInterval, end) : end
            guard (try? await clock.sleep(until: next)) != nil else { return }
            if sendsBookmarks, next < end { watch.nudge() }
        }
        watch.cancel()
    }

    /// Returns whether the first object is still to come.
    private static func tellInitial(
        _ source: WatchSource, _ presenter: Presenter, _ registry: Registry, _ told: Metrics.WatchEvents,
        _ writer: BodyWriter
    ) async throws -> Bool {
        var isFirst = true
        var piece: [UInt8] = []
        let initial = source.takeInitial()
        told.add(initial.count)
        try await presenter.storage.prepare(initial, registry)
        for record in initial {
            piece += try presenter.frame(initial: record, isFirst: isFirst)
            isFirst = false
            if piece.count > 64 << 10 {
                try await writer.write(piece)
                piece.removeAll(keepingCapacity: true)
            }
        }
        if source.marksInitialEnd { piece += try presenter.bookmark(source.startRevision, endsInitialEvents: true) }
        if !piece.isEmpty { try await writer.write(piece) }
        return isFirst
    }

    /// Tells what changes, until the watch ends.
    private static func follow(
        _ source: WatchSource, _ presenter: Presenter, _ registry: Registry, _ told: Metrics.WatchEvents,
        isFirst: Bool, sendsBookmarks: Bool, _ writer: BodyWriter
    ) async throws {
        var isFirst = isFirst
        while let events = try await source.watch.next() {
            var frames: [ByteBuffer] = []
            try await source.prepare(events, presenter.storage, registry)
            for event in events {
                guard let notice = source.notice(event) else { continue }
                frames.append(try presenter.frame(notice, event, isFirst: isFirst))
                isFirst = false
            }
            told.add(frames.count)
            if events.isEmpty, sendsBookmarks {
                frames.append(ByteBuffer(bytes: try presenter.bookmark(source.watch.progress, endsInitialEvents: false)))
            }
            try await writer.write(frames)
        }
        // The watch's time is up; its client goes on from here.
        if sendsBookmarks { try await writer.write(presenter.bookmark(source.watch.progress, endsInitialEvents: false)) }
    }
}

extension BodyWriter {
    /// Sends pieces together; one alone is not copied.
    fileprivate func write(_ pieces: [ByteBuffer]) async throws {
        guard var whole = pieces.first else { return }
        for piece in pieces.dropFirst() { whole.writeImmutableBuffer(piece) }
        try await write(whole)
    }
}
