package import APIModel
internal import Client
internal import Dispatch
internal import Synchronization

/// What the scheduling thread hears from others.
package enum Message: Sendable {
    case pod(before: Object?, after: Object?)
    case node(before: Object?, after: Object?)
    case namespace(before: Object?, after: Object?)
    case disruptionBudget(before: Object?, after: Object?)
    /// A claim, a PersistentVolume or a StorageClass.
    case volume(GroupVersionResource, before: Object?, after: Object?)
    /// A CSINode or a VolumeAttachment.
    case attachment(GroupVersionResource, before: Object?, after: Object?)
    /// A ResourceClaim, a ResourceSlice or a DeviceClass.
    case device(GroupVersionResource, before: Object?, after: Object?)
    /// A ResourceClaim as this scheduler wrote it.
    case claimWritten(Object)
    /// A Service or a controller that Pods are spread by.
    case group(GroupVersionResource, before: Object?, after: Object?)
    /// A bind that came to nothing; refused is what a policy did not let be bound.
    case bindFailed(PodKey, uid: String, isRefused: Bool = false)
    /// Pods that were to make room for this one could not be asked to go.
    case preemptionFailed(PodKey, uid: String)
    /// An object that a policy observes, as it is now; `nil` when it went.
    case observed(GroupVersionResource, PodKey, Object?)
    /// No policy observes that kind any more.
    case observedNoMore(GroupVersionResource)
    /// What would be decided about a Pod that nobody has made?
    case consider(Object, Reply)
    /// Which Pods wait, and what for?
    case listWaiting(Reply)
    /// Other policies decide from now on: what no Node was found for may find one.
    case policiesChanged

    /// What the cache tells of an object of one of the resources that the scheduler follows.
    init(_ resource: GroupVersionResource, before: Object?, after: Object?) {
        switch resource {
        case .namespaces: self = .namespace(before: before, after: after)
        case DisruptionBudgets.resource: self = .disruptionBudget(before: before, after: after)
        case _ where VolumeObjects.resources.contains(resource):
            self = .volume(resource, before: before, after: after)
        case StorageObjects.driversOfNodes, StorageObjects.attachments: self = .attachment(resource, before: before, after: after)
        case DeviceObjects.claimResource, DeviceObjects.sliceResource, DeviceObjects.classResource:
            self = .device(resource, before: before, after: after)
        case .nodes: self = .node(before: before, after: after)
        case .pods: self = .pod(before: before, after: after)
        default: self = .group(resource, before: before, after: after)
        }
    }

    /// The object that it is about.
    var subject: (resource: GroupVersionResource, before: Object?, after: Object?)? {
        switch self {
        case .pod(let before, let after): (.pods, before, after)
        case .node(let before, let after): (.nodes, before, after)
        case .namespace(let before, let after): (.namespaces, before, after)
        case .disruptionBudget(let before, let after): (DisruptionBudgets.resource, before, after)
        case .volume(let resource, let before, let after), .attachment(let resource, let before, let after),
            .device(let resource, let before, let after), .group(let resource, let before, let after):
            (resource, before, after)
        case .observed, .observedNoMore, .claimWritten, .bindFailed, .preemptionFailed, .policiesChanged, .consider, .listWaiting: nil
        }
    }

    /// Notes the object that this is about while `body` runs.
    func inHand<R>(_ body: () -> R) -> R {
        guard let subject, let object = subject.after ?? subject.before else { return body() }
        return InHand.with(
            .scheduler, subject.resource, namespace: object.namespace, name: object.name, uid: object.uid, body)
    }
}

/// Messages for the scheduling thread, in order. Anyone puts, one thread takes.
final class Inbox: Sendable {
    private struct State {
        var messages: [Message] = []
        var isClosed = false
        var isWaiting = false
    }
    private let state = Mutex(State())
    private let signal = DispatchSemaphore(value: 0)

    func put(_ message: Message) {
        wake { $0.messages.append(message) }
    }

    /// Makes `take` return `nil` from now on.
    func close() {
        wake { $0.isClosed = true }
    }

    private func wake(_ change: (inout State) -> Void) {
        let wakes = state.withLock { state in
            change(&state)
            defer { state.isWaiting = false }
            return state.isWaiting
        }
        if wakes { signal.signal() }
    }

    /// All messages there are; waits up to `milliseconds` (`nil`: for ever) when there are none. `nil` when closed. Blocks.
    func take(waiting milliseconds: Int64?) -> [Message]? {
        if let now = takeNow(willWait: milliseconds != 0) { return now.isClosed ? nil : now.messages }
        if milliseconds == 0 { return [] }
        let result = signal.wait(timeout: milliseconds.map { .now() + .milliseconds(Int($0)) } ?? .distantFuture)
        if result == .timedOut {
            // A `put` that came at the last moment has signalled already: take that signal away again.
            let wasWoken = state.withLock { state in
                defer { state.isWaiting = false }
                return !state.isWaiting
            }
            if wasWoken { signal.wait() }
        }
        let now = takeNow(willWait: false)
        return now?.isClosed == true ? nil : now?.messages ?? []
    }

    private func takeNow(willWait: Bool) -> State? {
        state.withLock { state in
            guard state.isClosed || !state.messages.isEmpty else {
                state.isWaiting = willWait
                return nil
            }
            defer { state.messages = [] }
            return state
        }
    }
}
