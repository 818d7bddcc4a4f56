import APIModel

/// Objects for the tests of this module, as JSON text.
enum Sample {
    static func value(_ json: String) throws -> Value { try JSON.decode(Array(json.utf8)) }

    static func resource(_ name: String) throws -> ResourceType {
        guard let wanted = GroupVersionResource(name), let resource = Catalogue.builtin.resource(wanted) else { throw Missing(name: name) }
        return resource
    }

    struct Missing: Error { var name: String }

    /// With its defaults.
    static func object(_ resource: ResourceType, _ json: String) throws -> Value {
        var object = try value(json)
        Defaulting.apply(&object, resource: resource)
        return object
    }

    static let deployment = """
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"default","labels":{"app":"web"}},
         "spec":{"replicas":3,"selector":{"matchLabels":{"app":"web"}},
                 "template":{"metadata":{"labels":{"app":"web"}},
                             "spec":{"containers":[{"name":"web","image":"example/web:1","ports":[{"containerPort":80}],"env":[{"name":"A","value":"1"}]}]}}}}
        """

    static let pod = """
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"default"},"spec":{"containers":[{"name":"c","image":"example/web"}]}}
        """
}
