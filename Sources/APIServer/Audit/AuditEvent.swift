import APIModel

/// One stage of one request, as an audit log tells it. Made on the request's way, encoded elsewhere.
struct AuditEvent: Sendable {
    /// What of the request stays the same.
    struct Subject: Sendable {
        var id: String
        var level: AuditPolicy.Level
        var omitsManagedFields: Bool
        var info: RequestInfo
        var uri: String
        /// Empty when nobody knows.
        var user: UserInfo
        var isKnown: Bool { !user.name.isEmpty }
        var sources: [String]
        var userAgent: String
        var received: Moment
    }

    /// What becomes known of it.
    struct Findings: Sendable {
        var impersonated: UserInfo?
        /// The verb by which the user may act as that one.
        var constraint: String?
        /// What the objects in request and answer say of themselves.
        var object: Value = .null
        var status: Value = .null
        /// Made when the event is written.
        var request: (@Sendable () -> Value)?
        var response: (@Sendable () -> Value)?
        var annotations: [String: String] = [:]
    }

    var subject: Subject
    var findings: Findings
    var stage: AuditPolicy.Stage
    var at: Moment

    /// A point in time, to the microsecond.
    struct Moment: Sendable {
        var seconds: Int64
        var microseconds: Int32

        static var now: Moment {
            let now = Clock.parts
            return Moment(seconds: now.seconds, microseconds: now.microseconds)
        }

        var text: String { Timestamp.format(seconds: seconds, microseconds: microseconds) }
    }

    /// Without the objects that were sent and answered.
    var truncated: AuditEvent {
        var event = self
        (event.findings.request, event.findings.response) = (nil, nil)
        event.findings.annotations["audit.k8s.io/truncated"] = "true"
        return event
    }

    // MARK: JSON

    /// As `audit.k8s.io/v1` writes an event.
    var json: [UInt8] {
        var text = AuditEncoder(capacity: 1024)
        text.add("kind", "Event")
        text.add("apiVersion", "audit.k8s.io/v1")
        text.add("level", subject.level.rawValue)
        text.add("auditID", subject.id)
        text.add("stage", stage.rawValue)
        text.add("requestURI", subject.uri)
        text.add("verb", subject.info.verb)
        text.add("user", subject.isKnown ? subject.user.value : .emptyObject)
        if let user = findings.impersonated { text.add("impersonatedUser", user.value) }
        if let constraint = findings.constraint {
            text.add("authenticationMetadata") { $0.add("impersonationConstraint", constraint) }
        }
        text.add("sourceIPs", Value(subject.sources))
        text.addUnlessEmpty("userAgent", subject.userAgent)
        if subject.info.isResource { text.add("objectRef", reference) }
        if !findings.status.isNull { text.add("responseStatus", findings.status) }
        if let request = body(findings.request) { text.add("requestObject", request) }
        if let response = body(findings.response) { text.add("responseObject", response) }
        text.add("requestReceivedTimestamp", subject.received.text)
        text.add("stageTimestamp", at.text)
        if !findings.annotations.isEmpty {
            text.add("annotations") { text in
                for (key, value) in findings.annotations.sorted(by: { $0.key < $1.key }) { text.add(key, value) }
            }
        }
        return text.bytes
    }

    private func reference(_ text: inout AuditEncoder) {
        let info = subject.info
        text.add("resource", info.resource)
        text.addUnlessEmpty("namespace", namespace)
        text.addUnlessEmpty("name", info.name.isEmpty ? findings.object["name"].string ?? "" : info.name)
        text.addUnlessEmpty("uid", findings.object["uid"].string ?? "")
        text.addUnlessEmpty("apiGroup", info.group)
        text.addUnlessEmpty("apiVersion", info.version)
        text.addUnlessEmpty("resourceVersion", findings.object["resourceVersion"].string ?? "")
        text.addUnlessEmpty("subresource", info.subresource)
    }

    private var namespace: String {
        subject.info.namespace.isEmpty ? findings.object["namespace"].string ?? "" : subject.info.namespace
    }

    private func body(_ make: (@Sendable () -> Value)?) -> Value? {
        guard let make else { return nil }
        var body = make()
        guard !body.isNull else { return nil }
        guard subject.omitsManagedFields, case .object = body else { return body }
        if !body["metadata"]["managedFields"].isNull { body["metadata"]["managedFields"] = .null }
        for index in body["items"].elements.indices where !body["items"][index]["metadata"]["managedFields"].isNull {
            body["items"][index]["metadata"]["managedFields"] = .null
        }
        return body
    }

    // MARK: The older format

    /// One line of words.
    var legacy: String {
        let user = subject.user
        let code = findings.status["code"].int.map { "\($0)" } ?? "<deferred>"
        let words: [(String, String)] = [
            ("id", subject.id), ("stage", stage.rawValue), ("ip", subject.sources.first ?? "<unknown>"), ("method", subject.info.verb),
            ("user", user.name.isEmpty ? "<none>" : user.name), ("groups", Self.list(user.groups) ?? "<none>"),
            ("as", findings.impersonated?.name ?? "<self>"), ("asgroups", Self.list(findings.impersonated?.groups ?? []) ?? "<lookup>"),
            ("user-agent", subject.userAgent), ("namespace", subject.info.isResource && !namespace.isEmpty ? namespace : "<none>"),
            ("uri", subject.uri),
        ]
        let quoted = words.map { "\($0)=\(FieldError.quoted($1))" }.joined(separator: " ")
        return "\(subject.received.text) AUDIT: \(quoted) response=\"\(code)\""
    }

    private static func list(_ words: [String]) -> String? {
        words.isEmpty ? nil : words.map { FieldError.quoted($0) }.joined(separator: ",")
    }
}
