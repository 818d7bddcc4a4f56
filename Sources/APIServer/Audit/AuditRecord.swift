import APIModel
import HTTPServer
import HTTPTypes
import Synchronization

/// What is written down of one request: gathered on its way, told to the backends stage by stage. Safe from any task.
final class AuditRecord: Sendable {
    private let subject: AuditEvent.Subject
    private let omittedStages: Set<AuditPolicy.Stage>
    private let backends: [AuditBackend]
    private let metrics: AuditMetrics
    private let findings = Mutex(AuditEvent.Findings())
    /// Of events that are being written.
    private let tickets = Mutex<[AuditLog.Ticket]>([])

    init(_ subject: AuditEvent.Subject, _ decision: AuditPolicy.Decision, _ backends: [AuditBackend], _ metrics: AuditMetrics) {
        self.subject = subject
        omittedStages = decision.omittedStages
        self.backends = backends
        self.metrics = metrics
    }

    private var level: AuditPolicy.Level { subject.level }

    // MARK: On the way

    func impersonates(_ role: Impersonation.Role) {
        findings.withLock { ($0.impersonated, $0.constraint) = (role.user, role.constraint) }
    }

    /// The first note under a key stays.
    func annotate(_ annotations: [String: String]) {
        findings.withLock { $0.annotations.merge(annotations) { old, _ in old } }
    }

    func annotate(of context: WriteContext) { annotate(context.auditAnnotations(at: level)) }

    /// The object that was sent; `isWhole` unless it is a patch of one.
    func received(_ body: Value, isWhole: Bool) {
        findings.withLock { findings in
            if isWhole { findings.object = body["metadata"] }
            if level >= .request { findings.request = { body } }
        }
    }

    /// What is answered; `make` is called when the event is written.
    func answers(_ make: @escaping @Sendable () -> Value) {
        guard level >= .requestResponse else { return }
        findings.withLock { $0.response = make }
    }

    /// The request failed.
    func failed(_ error: APIError) {
        status(error.status)
        answers { error.status }
    }

    /// The answer is a Status.
    func status(_ status: Value) {
        findings.withLock { findings in
            findings.status = [
                "metadata": .emptyObject, "status": status["status"], "message": status["message"], "reason": status["reason"],
                "details": status["details"].isEmpty ? .null : status["details"], "code": status["code"],
            ]
        }
    }

    // MARK: Stages

    /// Tells the beginning.
    /// - Throws: 500 when it cannot be written down, and has to be.
    func begin() async throws {
        guard await reach(.requestReceived) else {
            metrics.refused()
            throw APIError.internalError("failed to store audit event")
        }
    }

    /// Whether nobody who must keep it has lost it.
    @discardableResult
    private func reach(_ stage: AuditPolicy.Stage) async -> Bool {
        guard !omittedStages.contains(stage) else { return true }
        let event = AuditEvent(
            subject: subject, findings: findings.withLock { $0 }, stage: stage, at: stage == .requestReceived ? subject.received : .now)
        metrics.made()
        var isKept = true
        for backend in backends {
            switch await backend.put(event) {
            case .taken: break
            case .lost: isKept = false
            case .begun(let ticket): tickets.withLock { $0.append(ticket) }
            }
        }
        return isKept
    }

    /// Returns when what was told so far is written.
    private func settle() async {
        let open = tickets.withLock { tickets in
            defer { tickets = [] }
            return tickets
        }
        for ticket in open { await ticket.wait() }
    }

    /// Tells the end: now, or when an answer that goes on for long is out. Returns the answer with the id under which to look for it.
    func finish(_ response: Response, isLasting: Bool) async -> Response {
        findings.withLock { findings in
            if findings.status.isNull { findings.status = ["metadata": .emptyObject] }
            if findings.status["code"].isNull { findings.status["code"] = .int(Int64(response.code)) }
        }
        // Of whom nobody knows, upstream tells the beginning of the answer alone.
        if case .full = response {
            await reach(subject.isKnown ? .responseComplete : .responseStarted)
        } else if isLasting {
            await reach(.responseStarted)
        }
        await settle()
        switch response {
        case .full(let status, let headers, let body):
            return .full(status: status, headers: named(headers), body: body)
        case .stream(let status, let headers, let write):
            return .stream(status: status, headers: named(headers)) { writer in
                do {
                    try await write(writer)
                } catch {
                    await self.reach(.responseComplete)
                    throw error
                }
                await self.reach(.responseComplete)
            }
        case .upgrade(let headers, let run):
            return .upgrade(headers: named(headers)) { connection in
                do {
                    try await run(connection)
                } catch {
                    await self.reach(.responseComplete)
                    throw error
                }
                await self.reach(.responseComplete)
            }
        }
    }

    private static let header = HTTPField.Name("Audit-Id")

    private func named(_ headers: HTTPFields) -> HTTPFields {
        var headers = headers
        if let name = Self.header { headers[name] = subject.id }
        return headers
    }
}
