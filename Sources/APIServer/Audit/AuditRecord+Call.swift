import APIModel
import Client
import OrderedCollections

extension AuditRecord {
    /// What the request brought.
    func received(_ call: Call) {
        switch call.input {
        case .object(let object): received(object, isWhole: true)
        case .patch(let patch): received(patch.content, isWhole: patch.kind == .apply)
        case .deletion(let options), .deletions(_, let options):
            if options.isSent { received(options.told, isWhole: false) }
        case .none, .query, .connection: break
        }
    }

    /// What it is answered, in the client's version of the kind.
    func answers(_ answer: Answer, _ presenter: Presenter) {
        switch answer.content {
        case .record(let record): answers { (try? presenter.value(record)) ?? .null }
        // Of a dry run: as it would be kept.
        case .stored(let object): answers { object }
        case .value(let value):
            if value["kind"].string == "Status" { status(value) }
            answers { value }
        case .values(let objects): answers { presenter.list(objects, metadata: .emptyObject) }
        case .list(let list): answers { (try? presenter.whole(list)) ?? .null }
        case .watch, .response: break
        }
    }
}

extension DeleteOptions {
    /// As they were sent, but for what they leave to be filled in.
    fileprivate var told: Value {
        var preconditions: Value = ["uid": uid.map { .string($0) } ?? .null]
        preconditions["resourceVersion"] = resourceVersion.map { .string($0) } ?? .null
        return [
            "kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", "gracePeriodSeconds": gracePeriodSeconds.map { .int($0) } ?? .null,
            "propagationPolicy": propagation.map { .string($0.rawValue) } ?? .null,
            "preconditions": preconditions.isEmpty ? .null : preconditions, "dryRun": isDryRun ? ["All"] : .null,
        ]
    }
}
