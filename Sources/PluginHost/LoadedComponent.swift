internal import CLinux
internal import Client
internal import Logging
internal import PluginAPI
internal import Synchronization

/// One instance of a component, from `create` to `destroy`, with the host functions made for it alone, and everything that is known of its
/// calls.
///
/// Calls happen under a lease. After `tearDown` began nobody gets a lease; who has one goes on until it is given back.
final class LoadedComponent: @unchecked Sendable {
    // Sendable because everything is constant after `init` or guards itself, and the ABI lets slots be called from many threads.
    let manifest: PluginManifest
    /// Of this component alone, as long as the process lives.
    let serial = LoadedComponent.lastSerial.add(1, ordering: .relaxed).newValue
    private static let lastSerial = Atomic<UInt64>(0)
    let library: Library
    let instance: any ComponentInstance
    let slots: [SlotCounter]
    /// Breaches of the contract that were refused.
    let violations = Tally()
    /// API calls that the manifest's rules do not allow.
    let forbidden = Tally()
    let gate = Gate()
    private let objects: ObjectsService
    private let kinds: KindsService
    private let interruption: Interruption
    private let log: Logger
    private let state = Atomic<UInt8>(ComponentState.loaded.rawValue)
    /// Whether `stop` has returned: what the plugin tells from then on is a breach. Calls to it end when `stop` begins.
    private let isSilent = Atomic<Bool>(false)
    /// Whether a [control] slot is being called.
    private let isControlled = Atomic<Bool>(false)
    /// The slots of a scheduler policy and of an admission plugin must not call back into services that block.
    private let marksThread: Bool
    /// What calls are noted with for after a crash.
    private let noted: UInt32
    // The instance's, which do not change: asking an existential costs more than the rest of a call.
    private let table: UnsafeRawPointer
    private let me: UnsafeMutableRawPointer?

    /// Loads the library, checks it against the manifest and makes the instance. `notice` is called, on any thread, with what an isolated
    /// instance tells of itself.
    init(
        _ manifest: PluginManifest, _ configuration: PluginHost.Configuration, log: Logger,
        notice: @escaping @Sendable (InstanceNotice) -> Void
    ) throws {
        self.manifest = manifest
        self.log = log
        marksThread = manifest.kind == .schedulerPolicy || manifest.kind == .admission
        noted = apus_in_hand_plugin(manifest.name, manifest.kind.rawValue)
        slots = manifest.kind.descriptor.slots.map { SlotCounter($0, deadline: manifest.deadline) }
        library = try Library.find(manifest, directories: configuration.libraryDirectories)
        objects = ObjectsService(manifest, violations: violations, forbidden: forbidden, log: log)
        let interruption = Interruption()
        self.interruption = interruption
        kinds = KindsService(violations: violations)
        let services = [
            (Signatures.hostLog, LogService.table(plugin: manifest.name, log: log)), (Signatures.hostObjects, objects.makeTable()),
            (Signatures.hostKinds, kinds.makeTable()),
        ]
        switch manifest.isolation {
        case .none: instance = try InProcessInstance(manifest, library, services: services)
        case .process:
            instance = try IsolatedInstance(manifest, library, services: services, childExecutable: configuration.childExecutable, log: log)
            {
                interruption.hear($0)
                notice($0)
            }
        }
        table = instance.table
        me = instance.me
    }

    /// Calls `start`; slots can be called when it returns. Blocks.
    func start(_ services: HostServices) throws {
        try checkPhases()
        objects.open(manifest, services)
        kinds.open(services.kinds)
        try instance.start()
        state.store(ComponentState.running.rawValue, ordering: .releasing)
        gate.open()
    }

    /// An admission plugin has a slot for each phase that its manifest names, and for one where it names none.
    private func checkPhases() throws {
        guard let specification = manifest.admission else { return }
        let table = table(apus_admission.self)
        let offered = AdmissionPhase.allCases.filter { AdmissionCall.isOffered($0, table) }
        guard !offered.isEmpty else {
            throw PluginError(.wrongDescriptor, plugin: manifest.name, "component \(manifest.component) has neither admit nor validate")
        }
        for phase in AdmissionPhase.allCases where specification.phases?.contains(phase) == true && !offered.contains(phase) {
            throw PluginError(
                .wrongDescriptor, plugin: manifest.name,
                "spec.admission.phases has \(phase.rawValue), but component \(manifest.component) has no \(AdmissionCall.slotName(phase))")
        }
    }

    /// How calls under way end.
    enum Ending {
        /// They are waited for before the instance is told: somebody else serves already.
        case graceful
        /// They are cut short: the process ends.
        case prompt
    }

    /// Takes no more calls, waits for those under way, then `stop` and `destroy`. Blocks. An instance whose calls do not end is not
    /// destroyed, but left mapped and silent.
    func tearDown(_ ending: Ending) {
        gate.close()
        if ending == .graceful, !gate.drain(seconds: Self.patience) {
            log.warning("calls into plugin \(manifest.name) did not end within \(Self.patience) s; it is stopped all the same")
        }
        objects.close()
        state.store(ComponentState.stopped.rawValue, ordering: .releasing)
        instance.stop()
        isSilent.store(true, ordering: .releasing)
        objects.forbid()
        // The end of a process of its own ends the calls into it.
        guard gate.drain(seconds: Self.patience) || manifest.isolation == .process else {
            log.warning("calls into plugin \(manifest.name) did not end; its instance is not destroyed")
            return
        }
        instance.destroy()
    }

    private static let patience = 10

    /// What the library calls itself, for people.
    var versionText: String { "\(manifest.library) \(instance.inspection?.version ?? "")" }

    /// Whether the other is the same thing in another version: they keep their state in the same places.
    func isSameComponent(as other: LoadedComponent) -> Bool {
        manifest.component == other.manifest.component && instance.inspection?.name == other.instance.inspection?.name
    }

    var incarnation: UInt64 { instance.incarnation }

    /// Why an isolated instance does not run just now; `nil` while it does.
    var restarting: String? { interruption.reason }

    /// Returns when the cache has all that this component wrote.
    func waitUntilCaughtUp() async { await objects.waitUntilCaughtUp() }

    /// The table, to see which slots there are.
    func table<Table>(_ type: Table.Type) -> Table { table.load(as: Table.self) }

    /// Keeps the instance alive across several calls. `false` when the component is not running; otherwise `release` must follow.
    func retain() -> Bool { gate.enter() }
    func release() { gate.leave() }
}

// Calls.
extension LoadedComponent {
    /// How a call is let in.
    enum Entry {
        /// Takes a lease for this call; without one the call is refused.
        case gate
        /// The caller holds a lease.
        case lease
        /// In whatever state the slot's tag allows, with or without a lease: while nobody else can tear the component down.
        case anyState
    }

    /// What a slot answered, or what the host answers for it.
    struct Answer {
        var status: apus_status
        /// The host's sentence, where it does not let the plugin's answer through; `nil` where it does.
        var problem: String?
    }

    /// Calls a slot on the caller's thread, checks that it may be called, and counts it. `slot` is the index in the kind's descriptor;
    /// `limit` stands in place of the slot's deadline, in nanoseconds.
    func call<Table>(
        _ slot: Int, _ table: Table.Type, _ entry: Entry = .gate, limit: UInt64? = nil,
        _ body: (Table, UnsafeMutableRawPointer?) -> apus_status
    ) -> Answer {
        if entry == .gate {
            guard gate.enter() else { return Answer(status: APUS_CANCELLED, problem: "the plugin was stopped") }
        }
        defer { if entry == .gate { gate.leave() } }
        let counter = slots[slot]
        guard counter.states & state.load(ordering: .acquiring) != 0 else {
            return Answer(status: APUS_CANCELLED, problem: "the plugin was stopped")
        }
        if counter.isControl, isControlled.exchange(true, ordering: .acquiring) {
            return refuse(counter, "\(counter.descriptor.name) was called while another call was under way, though it takes one at a time")
        }
        let marksThread = marksThread && !counter.descriptor.mayBlock
        if marksThread { PolicyThread.mark() }
        let before = apus_in_hand_enter(noted, UInt32(slot))
        let start = steadyNanoseconds()
        let status = body(self.table.load(as: Table.self), me)
        counter.record(from: start, to: steadyNanoseconds(), limit: limit)
        apus_in_hand_leave(before)
        if marksThread { PolicyThread.unmark() }
        if counter.isControl { isControlled.store(false, ordering: .releasing) }
        return status == APUS_OK ? Answer(status: APUS_OK) : judge(status, counter)
    }

    /// The same for a slot that writes into a sink; what it wrote there too much makes the call a fault.
    func call<Table>(
        _ slot: Int, _ table: Table.Type, _ entry: Entry = .gate, limit: UInt64? = nil, into collector: inout Collector,
        _ body: (Table, UnsafeMutableRawPointer?, UnsafePointer<apus_sink>) -> apus_status
    ) -> Answer {
        let answer = collector.collect { sink in call(slot, table, entry, limit: limit) { body($0, $1, sink) } }
        guard let problem = collector.problem(slots[slot].descriptor.name) else { return answer }
        return reject(slot, problem, wasError: answer.status != APUS_OK)
    }

    /// Counts an answer that makes no sense, and answers for the plugin.
    func reject(_ slot: Int, _ problem: String, wasError: Bool = false) -> Answer {
        violations.add(problem)
        if !wasError { slots[slot].recordError() }
        return Answer(status: APUS_FAULT, problem: problem)
    }

    private func refuse(_ counter: SlotCounter, _ problem: String) -> Answer {
        violations.add(problem)
        counter.recordError()
        return Answer(status: APUS_FAULT, problem: problem)
    }

    private func judge(_ status: apus_status, _ counter: SlotCounter) -> Answer {
        guard isStatus(status) else { return refuse(counter, "\(counter.descriptor.name) answered \(statusName(status))") }
        if !Self.isNormal(status) { counter.recordError() }
        return Answer(status: status)
    }

    /// Answers that say something about the world and not about the plugin.
    private static func isNormal(_ status: apus_status) -> Bool {
        [APUS_OK, APUS_RETRY, APUS_WAIT, APUS_UNSCHEDULABLE, APUS_UNRESOLVABLE, APUS_CONFLICT, APUS_DENIED].contains(status)
    }

    /// A callback of the plugin's that may come only while it runs: whether it may. One that comes after `stop` is counted.
    func admits(callback name: String) -> Bool {
        guard isSilent.load(ordering: .acquiring) else { return true }
        violations.add("\(name) was called after stop")
        return false
    }

    /// Proxies, and controllers of a node: removes what the plugin put in place. Legal in every state.
    func cleanUp() throws {
        var sentence = Collector()
        let answer =
            if manifest.kind == .proxy {
                call(1, apus_proxy.self, .anyState, into: &sentence) { $0.cleanup($1, $2) }
            } else {
                call(3, apus_controller.self, .anyState, into: &sentence) { $0.cleanup?($1, $2) ?? APUS_OK }
            }
        guard answer.status == APUS_OK else {
            throw PluginError(
                .fault, plugin: manifest.name, "cleanup answered \(statusName(answer.status)): \(answer.problem ?? sentence.text)")
        }
    }

    /// Runtimes only: gives a stream's handle up, in every state. The stream's `retain` keeps the instance alive.
    func closeStream(_ stream: UnsafeMutableRawPointer?) {
        let before = apus_in_hand_enter(noted, 4)
        let start = steadyNanoseconds()
        table(apus_runtime.self).close?(me, stream)
        slots[4].record(from: start, to: steadyNanoseconds())
        apus_in_hand_leave(before)
    }
}

/// Whether, and why, an isolated instance does not run just now.
final class Interruption: Sendable {
    private let state = Mutex<String?>(nil)
    var reason: String? { state.withLock { $0 } }
    func hear(_ notice: InstanceNotice) {
        state.withLock { state in
            switch notice {
            case .crashed(let reason, _, _): state = reason
            case .restarted: state = nil
            }
        }
    }
}
