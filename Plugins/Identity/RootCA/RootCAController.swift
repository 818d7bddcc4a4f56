public import APIModel
public import PluginKit

/// Puts the cluster's CA certificate into every namespace, as the ConfigMap `kube-root-ca.crt` that each Pod mounts beside its token.
///
/// Configuration: `certificate`, what to publish, as PEM text.
public struct RootCAController: Controller {
    private static let name = "kube-root-ca.crt"
    private static let description = "kubernetes.io/description"

    private let objects: Objects
    private let data: Value

    public static let settings: Set = ["certificate"]

    public init(_ host: Host, config: Value) throws {
        guard let certificate = config["certificate"].string else {
            throw ComponentError.invalid("config.certificate: the certificate of the cluster's CA must be given, as PEM")
        }
        objects = host.objects
        data = ["ca.crt": .string(certificate)]
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let namespace = try objects.get(.namespaces, name: key.name), namespace["metadata"]["deletionTimestamp"].isNull else {
            return .done
        }
        let existing = try objects.get(.configMaps, namespace: key.name, name: Self.name)
        guard existing?["data"] != data || existing?["metadata"]["annotations"][Self.description].isEmpty != false else { return .done }
        var map: Value =
            existing ?? [
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(Self.name), "namespace": .string(key.name)],
            ]
        map["metadata"]["annotations"][Self.description] =
            "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."
        map["data"] = data
        do {
            if existing == nil { try objects.create(.configMaps, namespace: key.name, map) } else { try objects.update(.configMaps, map) }
        } catch let error as APIError where [.alreadyExists, .notFound].contains(error.reason) {
            return .retry
        } catch let error as APIError where error.isOfEndingNamespace {
            return .done
        }
        return .done
    }
}
