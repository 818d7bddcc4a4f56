import APIModel
import Client

extension AdmissionRequest {
    /// What is told of the request, but for the objects, to one who knows it by `storage`'s version: `request` in expressions, and of an
    /// AdmissionReview.
    func review(_ storage: Storage) -> Value {
        func kind(_ storage: Storage) -> Value {
            let kind = self.kind(storage)
            return ["group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind)]
        }
        func resource(_ storage: Storage) -> Value {
            let type = storage.type
            return ["group": .string(type.group), "version": .string(type.version), "resource": .string(type.name)]
        }
        let subresource: Value = isOfObject ? .null : .string(target.subresource)
        return [
            "kind": kind(storage), "resource": resource(storage), "subResource": subresource, "requestKind": kind(target.storage),
            "requestResource": resource(target.storage), "requestSubResource": subresource, "name": .string(target.name),
            "namespace": namespaceName.isEmpty ? .null : .string(namespaceName), "operation": .string(operation.rawValue),
            "userInfo": user.value, "dryRun": .bool(context.isDryRun), "options": optionsValue,
        ]
    }

    private var optionsValue: Value {
        let kinds: [Operation: String] = [.create: "CreateOptions", .update: "UpdateOptions", .delete: "DeleteOptions"]
        guard let kind = kinds[operation] else { return .null }
        let options = context.options
        return [
            "kind": .string(kind), "apiVersion": "meta.k8s.io/v1", "dryRun": options.isDryRun ? ["All"] : .null,
            "fieldManager": operation == .delete || options.fieldManager.isEmpty ? .null : .string(options.fieldManager),
            "fieldValidation": operation == .delete ? .null : .string(options.fieldValidation.rawValue),
        ]
    }
}
