public import APIModel
import Glibc
public import Logging
import Synchronization

/// Tells people what happened to an object: core v1 Events, as `kubectl describe` shows them. Recording never waits and never fails; `run`
/// does the sending.
///
/// Repetitions are counted on one Event instead of making many; an object that produces too many is rationed. Safe from any task.
public final class EventRecorder: Sendable {
    public enum Kind: String, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }

    /// As upstream's broadcaster: more than this waiting, and events are dropped.
    private static let queueLimit = 1_000
    private static let tries = 12
    private static let pause = Duration.seconds(10)

    private let client: any Client
    private let component: String
    private let host: String
    private let log: Logger
    private let events: AsyncStream<Value>
    private let queue: AsyncStream<Value>.Continuation
    private let correlator = Mutex(EventCorrelator())
    private let dropped = Atomic<Int>(0)

    /// `component` is the source people see, `kubelet`; `host` the node it speaks for, if any.
    public init(client: any Client, component: String, host: String = "", log: Logger) {
        self.client = client
        self.component = component
        self.host = host
        self.log = log
        (events, queue) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.queueLimit))
    }

    /// Records an event about `object`, which needs `apiVersion`, `kind` and `metadata`; an ObjectReference will do, too.
    /// - Parameters:
    ///   - component: the source that people see, where it is another than the recorder's.
    ///   - annotations: of the Event.
    public func event(
        about object: Value, _ kind: Kind, reason: String, message: String, component: String? = nil,
        annotations: [String: String] = [:]
    ) {
        guard case .dropped = queue.yield(make(object, kind, reason, message, component ?? self.component, annotations)) else {
            return
        }
        let count = dropped.add(1, ordering: .relaxed).newValue
        // Powers of two, so that a flood does not flood the log as well.
        if count & (count - 1) == 0 {
            log.warning("events were dropped because too many wait to be sent", metadata: ["count": "\(count)", "reason": "\(reason)"])
        }
    }

    /// Sends what is recorded, in order, until the task is cancelled. To be called once.
    public func run() async {
        for await event in events {
            guard let outcome = correlator.withLock({ $0.correlate(event) }) else { continue }
            await send(outcome)
        }
    }

    private func make(
        _ object: Value, _ kind: Kind, _ reason: String, _ message: String, _ component: String, _ annotations: [String: String]
    ) -> Value {
        let source = object["metadata"].isNull ? object : object["metadata"]
        let now = Value.string(Timestamp.now())
        let namespace = source["namespace"].string ?? ""
        var event: Value = [
            "apiVersion": "v1", "kind": "Event",
            "metadata": [
                "name": .string("\(source["name"].string ?? "").\(Self.unique())"),
                "namespace": .string(namespace.isEmpty ? "default" : namespace),
            ],
            "involvedObject": [
                "kind": object["kind"], "namespace": source["namespace"], "name": source["name"], "uid": source["uid"],
                "apiVersion": object["apiVersion"],
                "resourceVersion": source["resourceVersion"], "fieldPath": object["fieldPath"],
            ],
            "reason": .string(reason), "message": .string(message),
            "source": ["component": .string(component), "host": host.isEmpty ? .null : .string(host)],
            "firstTimestamp": now, "lastTimestamp": now, "count": 1, "type": .string(kind.rawValue),
            "reportingComponent": .string(component), "reportingInstance": .string(host),
        ]
        if !annotations.isEmpty { event["metadata"]["annotations"] = Value(annotations) }
        return event
    }

    private func send(_ outcome: EventCorrelator.Outcome) async {
        let namespace = outcome.event["metadata"]["namespace"].string ?? ""
        let name = outcome.event["metadata"]["name"].string ?? ""
        for attempt in 1...Self.tries {
            do {
                if outcome.isRepetition {
                    let change: Value = [
                        "count": outcome.event["count"], "message": outcome.event["message"],
                        "lastTimestamp": outcome.event["lastTimestamp"],
                    ]
                    do {
                        _ = try await client.patch(.events, namespace: namespace, name: name, subresource: nil, .strategicMerge, change)
                        return
                    } catch let error as APIError where error.reason == .notFound {
                        // It has expired: tell it anew.
                    }
                }
                _ = try await client.create(.events, namespace: namespace, outcome.event)
                return
            } catch let error as APIError where error.reason == .serviceUnavailable && attempt < Self.tries {
                try? await Task.sleep(for: Self.pause * Double.random(in: 0.5..<1))
                if Task.isCancelled { return }
            } catch {
                if !(error is CancellationError) {
                    log.warning("an event was not recorded", metadata: ["event": "\(namespace)/\(name)", "error": "\(error)"])
                }
                return
            }
        }
    }

    /// Nanoseconds since 1970, in hexadecimal, as upstream names events.
    private static func unique() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return String(now.tv_sec * 1_000_000_000 + now.tv_nsec, radix: 16)
    }
}
