import APIModel
import OrderedCollections

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

    // MARK: JSON

    /// As `audit.k8s.io/v1` writes an event.
    var value: Value {
        [
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": .string(subject.level.rawValue), "auditID": .string(subject.id),
            "stage": .string(stage.rawValue), "requestURI": .string(subject.uri), "verb": .string(subject.info.verb),
            "user": subject.isKnown ? subject.user.value : .emptyObject, "impersonatedUser": findings.impersonated?.value ?? .null,
            "authenticationMetadata": findings.constraint.map { ["impersonationConstraint": .string($0)] } ?? .null,
            "sourceIPs": Value(subject.sources),
            "userAgent": subject.userAgent.isEmpty ? .null : .string(subject.userAgent), "objectRef": reference,
            "responseStatus": findings.status, "requestObject": body(findings.request), "responseObject": body(findings.response),
            "requestReceivedTimestamp": .string(subject.received.text), "stageTimestamp": .string(at.text),
            "annotations": findings.annotations.isEmpty
                ? .null
                : .object(
                    Value.Fields(uniqueKeysWithValues: findings.annotations.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
                ,
        ]
    }

    private var reference: Value {
        let info = subject.info
        guard info.isResource else { return .null }
        func text(_ text: String, _ field: String? = nil) -> Value {
            if !text.isEmpty { return .string(text) }
            return field.map { findings.object[$0] } ?? .null
        }
        return [
            "resource": .string(info.resource), "namespace": text(info.namespace, "namespace"), "name": text(info.name, "name"),
            "uid": findings.object["uid"], "apiGroup": text(info.group), "apiVersion": text(info.version),
            "resourceVersion": findings.object["resourceVersion"], "subresource": text(info.subresource),
        ]
    }

    private func body(_ make: (@Sendable () -> Value)?) -> Value {
        guard let make else { return .null }
        var body = make()
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
            ("user-agent", subject.userAgent), ("namespace", reference["namespace"].string ?? "<none>"), ("uri", subject.uri),
        ]
        let quoted = words.map { "\($0)=\(FieldError.quoted($1))" }.joined(separator: " ")
        return "\(subject.received.text) AUDIT: \(quoted) response=\"\(code)\""
    }

    private static func list(_ words: [String]) -> String? {
        words.isEmpty ? nil : words.map { FieldError.quoted($0) }.joined(separator: ",")
    }
}
