import APIModel
import Testing

@Suite struct StatefulSetTemplateTests {
    private static func problems(mount: String, claims: [String]) throws -> [String] {
        let resource = try Sample.resource("apps/v1/statefulsets")
        let templates = claims.map { name -> Value in
            [
                "metadata": ["name": .string(name)],
                "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
            ]
        }
        let spec: Value = [
            "containers": [["name": "c", "image": "i", "volumeMounts": [["name": .string(mount), "mountPath": "/data"]]]],
            "volumes": [["name": "own", "emptyDir": .emptyObject]],
        ]
        var set: Value = [
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": ["name": "db", "namespace": "default"],
            "spec": [
                "serviceName": "db", "selector": ["matchLabels": ["app": "db"]],
                "template": ["metadata": ["labels": ["app": "db"]], "spec": spec], "volumeClaimTemplates": .array(templates),
            ],
        ]
        Defaulting.apply(&set, resource: resource)
        return Validation.validate(set, resource: resource).map(\.field)
    }

    /// The Pods get a volume for each claim, so containers may mount it.
    @Test(arguments: [
        ("data", ["data"], true), ("own", ["data"], true), ("own", ["own"], true), ("logs", ["data"], false), ("data", [], false),
    ])
    func mountsWhatIsClaimed(mount: String, claims: [String], isFine: Bool) throws {
        let field = "spec.template.spec.containers[0].volumeMounts[0].name"
        #expect(try Self.problems(mount: mount, claims: claims).contains(field) != isFine)
    }
}
