import APIModel
import Client
import Synchronization

/// Sees to it that a container's image is on the machine. Failed pulls back off, for each pod and image. Upstream:
/// `images/image_manager.go`.
final class Images: Sendable {
    private let cri: CRI
    private let events: any EventSink
    private let client: any Client
    private let pulls: ImagePulls
    private let backoff = Mutex(KeyedBackoff())
    private let failures = Mutex<[String: String]>([:])
    /// When an image was last given to a container that is to be made of it, by id; nanoseconds since 1970.
    private let uses = Mutex<[String: Whole]>([:])

    init(cri: CRI, client: any Client, pulls: ImagePulls, events: any EventSink) {
        self.cri = cri
        self.pulls = pulls
        self.client = client
        self.events = events
    }

    /// The image to create the container of: the runtime's id for it, and CRI's `Image` where it is known.
    struct Present: Sendable {
        var reference: String
        var image: Value
    }

    /// Ids of images that containers were to be made of since then, so that none of them is taken away before.
    func handedOut(since time: Whole) -> Set<String> {
        uses.withLock { uses in
            uses = uses.filter { $0.value >= time }
            return Set(uses.keys)
        }
    }

    private func handOut(_ present: Present) -> Present {
        uses.withLock { $0[present.image["id"].string ?? present.reference] = Clock.nanoseconds() }
        return present
    }

    /// Images that an earlier kubelet had begun to pull are taken for what they are.
    func takeOver() async throws { try await pulls.takeOver(cri) }

    /// Forgets what it knew of images that are gone.
    func keep(_ ids: Set<String>, asOf time: Whole) async { await pulls.keep(ids, asOf: time) }

    /// Returns once the image is there and the pod may have it. Throws `StartFailure`, whose deadline tells when trying again makes sense,
    /// and `CancellationError`.
    func ensure(_ container: Value, of pod: Pod, sandboxConfig: Value) async throws -> Present {
        let asked = container["image"].string ?? ""
        guard let image = ImageReference.withDefaultTag(asked), let reference = ImageReference(image) else {
            let message = "Failed to apply default image tag \"\(asked)\": couldn't parse image name \"\(asked)\": invalid reference format"
            events.container(pod, container, .warning, "InspectFailed", message)
            throw StartFailure(reason: "InvalidImageName", message: message)
        }
        let policy =
            container["imagePullPolicy"].string
            ?? (reference.tag ?? "latest" == "latest" && reference.digest == nil ? "Always" : "IfNotPresent")
        if policy != "Always", let present = try await present(image, container, pod),
            try await !pulls.mustPull(
                asked, reference: present.reference,
                { try await self.candidates(reference, pod).compactMap(\.secret) })
        {
            events.container(
                pod, container, .normal, "Pulled", "Container image \"\(asked)\" already present on machine and can be accessed by the pod")
            return handOut(present)
        }
        // Also of one that is there: whether it is, is nobody's business who may not have it.
        if policy == "Never" {
            let message = "Container image \"\(asked)\" is not present with pull policy of Never"
            events.container(pod, container, .warning, "ErrImageNeverPull", message)
            throw StartFailure(reason: "ErrImageNeverPull", message: message)
        }
        return try await pull(image, reference, asked, container, pod, sandboxConfig)
    }

    /// The image as the runtime has it; `nil` when it does not.
    private func present(_ image: String, _ container: Value, _ pod: Pod) async throws -> Present? {
        do {
            let known = try await cri.imageStatus(image)
            guard let id = known["id"].string, !id.isEmpty else { return nil }
            return Present(reference: id, image: known)
        } catch {
            try Task.checkCancellation()
            let message = "Failed to inspect image \"\(image)\": \(error)"
            events.container(pod, container, .warning, "InspectFailed", message)
            throw StartFailure(reason: "ImageInspectError", message: message)
        }
    }

    private func pull(_ image: String, _ reference: ImageReference, _ asked: String, _ container: Value, _ pod: Pod, _ sandboxConfig: Value)
        async throws -> Present
    {
        let key = "\(pod.uid)_\(image)"
        if let deadline = backoff.withLock({ $0.deadline(key, now: Clock.nanoseconds()) }) {
            let message = "Back-off pulling image \"\(asked)\""
            events.container(pod, container, .normal, "BackOff", message)
            let cause = failures.withLock { $0[key] }
            throw StartFailure(
                reason: "ImagePullBackOff", message: cause.map { "\(message): ErrImagePull: \($0)" } ?? message, retryAt: deadline)
        }
        do { try await pulls.begin(asked) } catch {
            try Task.checkCancellation()
            throw StartFailure(
                reason: "ErrImagePull", message: "Failed to record image pull intent for container image \"\(asked)\": \(error)")
        }
        events.container(pod, container, .normal, "Pulling", "Pulling image \"\(asked)\"")
        let began = Clock.nanoseconds()
        do {
            let (answer, credentials) = try await pull(image, reference, pod, sandboxConfig)
            let pulled = answer.isEmpty ? image : answer
            let took = GoDuration.text(milliseconds: (Clock.nanoseconds() - began) / 1_000_000)
            let present = try? await cri.imageStatus(pulled)
            let size = present?["size"].int ?? 0
            events.container(
                pod, container, .normal, "Pulled",
                "Successfully pulled image \"\(asked)\" in \(took) (\(took) including waiting). Image size: \(size) bytes.")
            backoff.withLock { $0.reset(key) }
            failures.withLock { $0[key] = nil }
            // By the id that it is asked for by from now on.
            await pulls.succeeded(asked, reference: present?["id"].string ?? pulled, with: credentials)
            return handOut(Present(reference: pulled, image: present ?? .null))
        } catch let error as RuntimeFailure {
            // Of what was given up nobody knows whether it is carried out.
            try Task.checkCancellation()
            await pulls.failed(asked)
            events.container(pod, container, .warning, "Failed", "Failed to pull image \"\(asked)\": \(error)")
            let now = Clock.nanoseconds()
            let deadline = backoff.withLock { backoff in
                backoff.fail(key, at: now, now: now)
                return backoff.deadline(key, now: now)
            }
            failures.withLock { $0[key] = error.description }
            throw StartFailure(reason: "ErrImagePull", message: error.description, retryAt: deadline)
        }
    }

    /// Tries the credentials the pod has for the registry, one after another. Answers the runtime's name for the image, and what it took.
    private func pull(_ image: String, _ reference: ImageReference, _ pod: Pod, _ sandboxConfig: Value) async throws -> (
        String, PullCredentials
    ) {
        var last: RuntimeFailure?
        for candidate in try await candidates(reference, pod) {
            do {
                let pulled = try await cri.pull(image, auth: candidate.auth, sandboxConfig: sandboxConfig)
                return (pulled, candidate.secret.map { PullCredentials(secrets: [$0]) } ?? .all)
            } catch {
                try Task.checkCancellation()
                last = error
            }
        }
        throw last ?? RuntimeFailure(code: "Unknown", message: "no credentials to pull \"\(image)\" with")
    }

    /// What the pod would pull an image with.
    private func candidates(_ reference: ImageReference, _ pod: Pod) async throws -> [PullSecrets.Candidate] {
        var secrets: [Value] = []
        let references = PodReferences(client: client, namespace: pod.namespace)
        for name in pod.spec["imagePullSecrets"].elements.map(\.name) {
            // A secret that is missing is not fatal: the image may be public. The event tells of it, as upstream's does.
            do {
                if let secret = try await references.secret(name, optional: true) {
                    secrets.append(secret)
                } else {
                    let message = "Unable to retrieve some image pull secrets (\(name)); attempting to pull the image may not succeed."
                    events.event(about: pod, .warning, "FailedToRetrieveImagePullSecret", message)
                }
            } catch let error as ConfigurationError {
                events.event(about: pod, .warning, "FailedToRetrieveImagePullSecret", error.message)
            }
        }
        return PullSecrets(secrets).candidates(for: reference)
    }

    /// Forgets the failures of a pod that is gone.
    func forget(pod uid: String, images: [String]) {
        for image in images {
            let key = "\(uid)_\(ImageReference.withDefaultTag(image) ?? image)"
            backoff.withLock { $0.reset(key) }
            failures.withLock { $0[key] = nil }
        }
    }
}

/// Why a container did not start: the waiting state it is in now.
struct StartFailure: Error, Equatable, Sendable {
    /// `ErrImagePull`, `CreateContainerConfigError`, `CrashLoopBackOff` …
    var reason: String
    var message: String
    /// When to try again, in nanoseconds since 1970; `nil` leaves it to the caller.
    var retryAt: Whole?

    init(reason: String, message: String, retryAt: Whole? = nil) {
        self.reason = reason
        self.message = message
        self.retryAt = retryAt
    }
}
