public import Client
internal import PluginAPI
internal import Synchronization

/// A running admission plugin. A call is made on the caller's thread where it may be (`CallInPlace`) and the one before was over in a
/// moment, else on one of PluginHost's; there, a plugin that is late is not waited for.
public final class AdmissionPlugin: AdmissionReviewer {
    public let name: String
    public let specification: AdmissionSpecification
    private let component: LoadedComponent
    private let threads: ThreadPool
    private let phases: Set<AdmissionPhase>
    private let isQuick = Atomic<Bool>(true)

    /// Nanoseconds: longer than that nobody may be held up who has other things to do.
    private static let moment: UInt64 = 1_000_000

    init(_ component: LoadedComponent, _ specification: AdmissionSpecification, _ threads: ThreadPool) {
        self.component = component
        self.specification = specification
        self.threads = threads
        name = component.manifest.name
        let table = component.table(apus_admission.self)
        phases = (specification.phases ?? Set(AdmissionPhase.allCases)).filter { AdmissionCall.isOffered($0, table) }
    }

    public func takesPart(in phase: AdmissionPhase) -> Bool { phases.contains(phase) }

    public func review(_ phase: AdmissionPhase, _ question: AdmissionQuestion) async -> AdmissionAnswer {
        guard component.retain() else { return AdmissionAnswer(.gone) }
        defer { component.release() }
        let call = AdmissionCall(component: component, phase: phase, question: question)
        if isQuick.load(ordering: .relaxed), let answer = CallInPlace.run({ timed(call) }) { return answer }
        return await elsewhere(call)
    }

    private func timed(_ call: AdmissionCall) -> AdmissionAnswer {
        let start = steadyNanoseconds()
        let answer = call.run()
        isQuick.store(steadyNanoseconds() &- start < Self.moment, ordering: .relaxed)
        return answer
    }

    private func elsewhere(_ call: AdmissionCall) async -> AdmissionAnswer {
        let limit = component.slots[AdmissionCall.slot(call.phase)].descriptor.limit(replacement: component.manifest.deadline)
        let late = AdmissionAnswer(.failed("it did not answer within \(limit ?? .zero)"))
        return await threads.run(within: limit, late: late) { [self] in
            // Whoever asked may be gone by now, and its lease with it.
            guard component.retain() else { return AdmissionAnswer(.gone) }
            defer { component.release() }
            return timed(call)
        }
    }
}

/// Stands for an admission plugin that should run and does not: whoever asks it gets no answer.
struct AbsentAdmission: AdmissionReviewer {
    let name: String
    let specification: AdmissionSpecification
    let reason: String

    func takesPart(in phase: AdmissionPhase) -> Bool { specification.phases?.contains(phase) ?? true }
    func review(_ phase: AdmissionPhase, _ question: AdmissionQuestion) async -> AdmissionAnswer { AdmissionAnswer(.failed(reason)) }
}
