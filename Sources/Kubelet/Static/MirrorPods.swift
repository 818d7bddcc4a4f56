import APIModel
import Client
import Logging

/// Shows the API the static pods of this node, and takes away what it shows that is none any more. Upstream: `pod/mirror_client.go`.
struct MirrorPods: Sendable {
    let context: Context
    /// The static pods that are to be.
    let wanted: @Sendable () async -> [Pod]
    /// The pods of this node as the API has them.
    let known: @Sendable () -> [Object]

    /// How often is looked although nothing changed: what failed is tried again.
    private static let period = Duration.seconds(10)

    /// Looks whenever `changed` is set, until cancelled.
    func run(_ changed: Wakeup) async {
        while !Task.isCancelled {
            do { try await look() } catch { if !Task.isCancelled { context.log.warning("mirror pods: \(error)") } }
            await changed.wait(until: .now + Self.period)
        }
    }

    /// One step for each pod: one that has to be made anew is taken away now and made when the API tells that it is gone.
    func look() async throws {
        let wanted = await wanted()
        for pod in wanted {
            let object = known().first { $0.namespace == pod.namespace && $0.name == pod.name }
            guard let object else {
                try await create(pod)
                continue
            }
            let mirror = Pod(object)
            if mirror.mirrored == pod.uid && !mirror.isBeingDeleted {
                context.statuses.mirror(of: pod.uid, is: mirror)
            } else if mirror.isMirror {
                try await delete(mirror)
            } else {
                context.log.warning("static pod \(pod.description): the API has another pod of that name")
            }
        }
        let uids = Set(wanted.map(\.uid))
        for mirror in known().map(Pod.init) {
            guard let uid = mirror.mirrored, !uids.contains(uid) else { continue }
            // One that has the place of another was seen to above.
            if wanted.contains(where: { $0.namespace == mirror.namespace && $0.name == mirror.name }) { continue }
            try await delete(mirror)
        }
    }

    private func create(_ pod: Pod) async throws {
        let node = context.node.value
        // What belongs to no node would be taken for garbage.
        guard node["metadata"]["uid"].string != nil else { return }
        do {
            _ = try await context.client.create(.pods, namespace: pod.namespace, StaticPodFile.mirror(of: pod, node: node))
        } catch let error as APIError where error.reason == .alreadyExists {
            // The watch will tell.
        }
    }

    private func delete(_ mirror: Pod) async throws {
        let options: Value = [
            "kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "preconditions": ["uid": .string(mirror.uid)],
        ]
        do {
            _ = try await context.client.delete(.pods, namespace: mirror.namespace, name: mirror.name, options: options)
        } catch let error as APIError where error.reason == .notFound || error.reason == .conflict {
            // Gone, or another has the name.
        }
    }
}

extension Pod {
    /// The uid of the static pod that this one shows.
    var mirrored: String? { annotations[StaticPodFile.mirror] }
}
