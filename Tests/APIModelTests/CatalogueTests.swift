import Testing

@testable import APIModel

@Suite struct CatalogueTests {
    private let catalogue = Catalogue.builtin

    @Test func everyReferenceLeadsToAType() {
        for type in catalogue.types {
            for field in type.fields { resolve(field.type) }
        }
        for type in Catalogue.cri.types + Catalogue.csi.types + Catalogue.kms.types {
            for field in type.fields { resolve(field.type) }
        }
    }

    private func resolve(_ type: FieldType) {
        switch type {
        case .array(let element), .map(let element): resolve(element)
        case .object(let reference): #expect(reference.schema.name == reference.name)
        default: break
        }
    }

    @Test func everyTypeIsThere() {
        // Upstream's, those of its metrics, and those of plugins.
        #expect(catalogue.types.count + catalogue.scalars.count == 771 + 5 + 15 + 2)
        #expect(catalogue.type(named: "io.k8s.api.core.v1.PodSpec") != nil)
    }

    @Test func podsAsDiscoveryShowsThem() throws {
        let pods = try #require(catalogue.resource(.pods))
        #expect(pods.kind == "Pod" && pods.singularName == "pod" && pods.isNamespaced)
        #expect(pods.shortNames == ["po"] && pods.categories == ["all"] && pods.storageVersionHash == "xPOwRZ+Yhw8=")
        #expect(pods.verbs == ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"])
        #expect(pods.subresource("eviction")?.kind == GroupVersionKind(group: "policy", version: "v1", kind: "Eviction"))
        #expect(
            pods.columns.map(\.name) == ["Name", "Ready", "Status", "Restarts", "Age", "IP", "Node", "Nominated Node", "Readiness Gates"])
        #expect(pods.columns.map(\.priority) == [0, 0, 0, 0, 0, 1, 1, 1, 1])
        #expect(pods.schema.schema.field("spec")?.number == 2)
    }

    @Test func groupsComeInTheOrderOfDiscovery() {
        #expect(catalogue.groups.prefix(3).map(\.name) == ["", "apiregistration.k8s.io", "apps"])
        #expect(catalogue.groups.first { $0.name == "autoscaling" }?.versions == ["v2", "v1"])
        #expect(catalogue.resources.prefix(2).map(\.name) == ["bindings", "componentstatuses"])
    }

    @Test(arguments: [
        ("v1", "Status", "io.k8s.apimachinery.pkg.apis.meta.v1.Status"), ("v1", "PodList", "io.k8s.api.core.v1.PodList"),
        ("apps/v1", "DeleteOptions", "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"),
        ("autoscaling/v1", "Scale", "io.k8s.api.autoscaling.v1.Scale"),
        ("policy/v1", "Eviction", "io.k8s.api.policy.v1.Eviction"),
        ("authentication.k8s.io/v1", "TokenRequest", "io.k8s.api.authentication.v1.TokenRequest"),
        ("batch/v1", "WatchEvent", "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent"),
        ("plugins.apus.dev/v1alpha1", "DeleteOptions", "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"),
    ]) func kindsWithoutAResource(version: String, kind: String, type: String) throws {
        let version = try #require(GroupVersion(version))
        #expect(catalogue.type(of: GroupVersionKind(group: version.group, version: version.version, kind: kind))?.name == type)
    }

    @Test func fieldsHaveWhatPatchesAndApplyNeed() throws {
        let pod = try #require(catalogue.type(named: "io.k8s.api.core.v1.PodSpec"))
        let containers = try #require(pod.field("containers"))
        #expect(containers.isRequired && containers.listType == .map && containers.listMapKeys == ["name"])
        #expect(containers.patchStrategy == .merge && containers.patchMergeKey == "name")
        #expect(pod.field("volumes")?.patchStrategy == [.merge, .retainKeys])
        #expect(pod.field("nodeSelector")?.isAtomicMap == true)
        let ports = try #require(catalogue.type(named: "io.k8s.api.core.v1.Container")?.field("ports"))
        #expect(ports.listMapKeys == ["containerPort", "protocol"] && ports.patchMergeKey == "containerPort")
    }

    @Test func embeddedMessagesAreFollowed() throws {
        let rule = try #require(catalogue.type(named: "io.k8s.api.admissionregistration.v1beta1.NamedRuleWithOperations"))
        let scope = try #require(rule.field("scope"))
        #expect((scope.inlineIn, scope.inlineInner, scope.number) == (2, 2, 4))
        let operations = try #require(rule.field("operations"))
        #expect((operations.inlineIn, operations.inlineInner, operations.number) == (2, 0, 1))
    }
}

@Suite struct SchemaTablesTests {
    /// A name in a table that no type or field has would say nothing, silently.
    @Test func everyNameInATableIsOfTheCatalogue() { #expect(SchemaTables.strangers(to: .builtin) == []) }
}

@Suite struct KindsTests {
    private let widgets = ResourceType(
        group: "example.com", version: "v2", name: "widgets", singularName: "widget", kind: "Widget", isNamespaced: true, verbs: ["get"],
        shortNames: [], categories: [], storageVersionHash: nil, subresources: [], columns: [],
        schema: TypeReference(name: "io.k8s.api.core.v1.ConfigMap") { Catalogue.builtin.type(named: $0) })

    @Test func customKindsComeAfterTheProgramsOwn() throws {
        var older = widgets
        older.version = "v1"
        let kinds = Kinds(version: 6, .builtin).next(
            custom: [widgets, older], groups: [.init(name: "example.com", versions: ["v2", "v1"])])
        #expect(kinds.version == 7)
        #expect(kinds.resources.count == Kinds.builtin.resources.count + 2)
        #expect(kinds.groups.last?.versions == ["v2", "v1"])
        #expect(kinds.preferred(group: "example.com", resource: "widgets")?.version == "v2")
        #expect(kinds.resource(GroupVersionKind(group: "example.com", version: "v1", kind: "Widget"))?.name == "widgets")
        #expect(
            kinds.type(of: GroupVersionKind(group: "", version: "v1", kind: "Pod"))
                === Catalogue.builtin.type(named: "io.k8s.api.core.v1.Pod"))
    }

    @Test func nothingTakesTheNameOfTheProgramsOwn() {
        var pods = widgets
        (pods.group, pods.version, pods.name) = ("", "v1", "pods")
        let kinds = Kinds.builtin.next(custom: [pods], groups: [])
        #expect(kinds.resource(.pods)?.kind == "Pod")
        #expect(kinds.resources.count == Kinds.builtin.resources.count)
    }
}

@Suite struct RuntimeConfigTests {
    private func served(_ entries: String...) throws -> Set<String> {
        let config = try RuntimeConfig(entries)
        return Set(Kinds(version: 0, .builtin, serving: config).resources.map { "\($0.groupVersion)/\($0.name)" })
    }

    @Test func onlyStableVersionsAreServedUnlessAskedFor() throws {
        let kinds = Kinds(version: 0, .builtin, serving: RuntimeConfig())
        let young = kinds.resources.filter { $0.version.contains("alpha") || $0.version.contains("beta") }
        #expect(Set(young.map(\.group)) == ["plugins.apus.dev", "metrics.k8s.io"])
        #expect(kinds.groups.first { $0.name == "resource.k8s.io" }?.versions == ["v1"])
        #expect(kinds.groups.allSatisfy { $0.name != "storagemigration.k8s.io" })
        #expect(kinds.next(custom: [], groups: []).resources.count == kinds.resources.count)
    }

    @Test func whatIsNamedMoreCloselyWins() throws {
        let stable = try served()
        #expect(try served("api/all=true").count == Catalogue.builtin.resources.count)
        #expect(try served("api/beta").subtracting(stable).allSatisfy { $0.contains("beta") })
        #expect(try served("resource.k8s.io/v1beta1=true").subtracting(stable).count == 4)
        #expect(
            try served("resource.k8s.io/v1alpha3/devicetaintrules").subtracting(stable) == ["resource.k8s.io/v1alpha3/devicetaintrules"])
        #expect(try stable.subtracting(served("batch/v1=false")) == ["batch/v1/jobs", "batch/v1/cronjobs"])
        #expect(try stable.subtracting(served("batch/v1/cronjobs=false")) == ["batch/v1/cronjobs"])
        let beside: Set<String> = try served("api/all=false", "api/v1=true").filter { !$0.hasPrefix("v1/") }
        #expect(beside == ["plugins.apus.dev/v1alpha1/plugins", "metrics.k8s.io/v1beta1/nodes", "metrics.k8s.io/v1beta1/pods"])
        #expect(try !served("api/all=true", "api/alpha=false").contains { $0.contains("v1alpha2") })
    }

    @Test(arguments: [
        ("api/all=false", "invalid key with only api/all=false"), ("nonsense", "runtime-config invalid key nonsense"),
        ("odd.io/v1", "unknown api groups odd.io"), ("batch/v3", "group version batch/v3 that has not been registered"),
        ("batch/v1/Jobs", "invalid key batch/v1/Jobs: group/version/resource and resource is always lowercase plural"),
        ("batch/v1/odds", "resource batch/v1/odds that has not been registered"),
        ("batch/v1=maybe", "invalid value of batch/v1: maybe, err: strconv.ParseBool: parsing \"maybe\": invalid syntax"),
    ]) func whatIsNoConfigurationIsNamed(entry: String, message: String) {
        #expect(throws: RuntimeConfig.Problem(description: message)) { try RuntimeConfig([entry]) }
    }
}
