internal import APIModel
internal import Client
internal import PluginAPI
internal import Synchronization

/// A candidate that is asked about the same requests as the active plugins, later and elsewhere, and decides nothing.
final class ShadowAdmission: AdmissionShadow {
    let name: String
    let specification: AdmissionSpecification
    let replaces: String?
    private let component: LoadedComponent
    private let threads: ThreadPool
    private let record: ShadowRecord
    private let phases: Set<AdmissionPhase>
    private let waiting = Atomic<Int>(0)

    /// Requests beyond are not compared: a candidate that is slow fills no memory.
    private static let mostWaiting = 64

    init(_ component: LoadedComponent, _ specification: AdmissionSpecification, _ threads: ThreadPool, _ record: ShadowRecord) {
        self.component = component
        self.specification = specification
        self.threads = threads
        self.record = record
        name = component.manifest.name
        replaces = component.manifest.replaces
        let table = component.table(apus_admission.self)
        phases = (specification.phases ?? Set(AdmissionPhase.allCases)).filter { AdmissionCall.isOffered($0, table) }
    }

    func takesPart(in phase: AdmissionPhase) -> Bool { phases.contains(phase) }

    func observe(_ phase: AdmissionPhase, _ question: AdmissionQuestion, active: AdmissionAnswer) {
        guard waiting.wrappingAdd(1, ordering: .relaxed).newValue <= Self.mostWaiting, component.retain() else {
            waiting.wrappingSubtract(1, ordering: .relaxed)
            return
        }
        threads.submit { [self] in
            let candidate = AdmissionCall(component: component, phase: phase, question: question).run()
            component.release()
            waiting.wrappingSubtract(1, ordering: .relaxed)
            record.add(Self.difference(question, active, candidate))
        }
    }

    /// `nil` where both answered alike.
    private static func difference(_ question: AdmissionQuestion, _ active: AdmissionAnswer, _ candidate: AdmissionAnswer)
        -> ShadowStatus.Example?
    {
        let (active, candidate) = (words(active.verdict), words(candidate.verdict))
        guard active != candidate else { return nil }
        return ShadowStatus.Example(
            subject: subject(question), active: active.verdict, activeReason: active.reason, candidate: candidate.verdict,
            candidateReason: candidate.reason)
    }

    /// `create v1/pods default/cart`
    private static func subject(_ question: AdmissionQuestion) -> String {
        let (subresource, namespace) = (question.string(.subresource), question.string(.namespace))
        return "\(question.operation) \(question.string(.resource))\(subresource.isEmpty ? "" : "/")\(subresource) "
            + "\(namespace.isEmpty ? "" : "\(namespace)/")\(question.string(.name))"
    }

    private static func words(_ verdict: AdmissionAnswer.Verdict) -> (verdict: String, reason: String) {
        switch verdict {
        case .allowed(.none), .gone: ("allowed", "")
        case .allowed(.patch(let change)), .allowed(.object(let change)): ("changed", String(decoding: JSON.encode(change), as: UTF8.self))
        case .denied(_, let reason): ("denied", reason)
        case .failed(let reason): ("failed", reason)
        }
    }
}
