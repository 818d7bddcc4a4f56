import Testing

@testable import APIModel

/// One object through the hands of several managers.
@Suite struct FieldOwnershipTests {
    /// An object and who owns what of it.
    struct Story {
        var object: Value
        var managed = ManagedFields()
        var shape = ApplySample.custom
        var clock = 0

        init(shape: MergeShape = ApplySample.custom) {
            self.shape = shape
            object = shape.zero
        }

        private mutating func ownership() throws -> FieldOwnership {
            clock += 1
            return try #require(FieldOwnership(OneVersion(shape: shape), apiVersion: OneVersion.name, now: "2026-01-01T00:00:0\(clock)Z"))
        }

        private func configuration(_ text: String) -> Value {
            var value = ApplySample.json(text)
            value["apiVersion"] = .string(OneVersion.name)
            return value
        }

        mutating func apply(_ manager: String, _ text: String, force: Bool = false) async throws {
            let applied = try await ownership().apply(
                configuration(text), to: object, managed,
                by: .init(manager, .apply, apiVersion: OneVersion.name, subresource: ""), isForced: force)
            (object, managed) = (applied.object, applied.managed)
        }

        mutating func update(_ manager: String, _ text: String) async throws {
            let (new, ownership) = (configuration(text), try ownership())
            managed = try await ownership.update(
                object, new, ownership.changes(from: object, to: new), managed,
                by: .init(manager, .update, apiVersion: OneVersion.name, subresource: ""))
            object = new
        }

        func conflicts(_ manager: String, _ text: String) async -> [String] {
            var copy = self
            do {
                try await copy.apply(manager, text)
                return []
            } catch let error as FieldConflicts {
                return error.conflicts.map { "\($0.manager.name) \($0.field)" }
            } catch {
                return ["\(error)"]
            }
        }

        func owned(_ manager: String, _ operation: ManagedFields.Operation = .apply) -> String {
            let entry = managed.entries.first { $0.manager.name == manager && $0.manager.operation == operation }
            return entry.map { ApplySample.text($0.fields) } ?? ""
        }

        func shows(_ text: String) -> Bool {
            var (now, wanted) = (object, ApplySample.json(text))
            (now["apiVersion"], wanted["apiVersion"]) = (.null, .null)
            return now == wanted
        }
    }

    @Test func whatIsNotAppliedAnyMoreGoes() async throws {
        var story = Story()
        try await story.apply("a", #"{"spec":{"size":1,"name":"x","labels":{"k":"v","l":"w"},"tags":["p","q"]}}"#)
        #expect(
            story.owned("a") == #"{"f:spec":{"f:labels":{"f:k":{},"f:l":{}},"f:name":{},"f:size":{},"f:tags":{"v:\"p\"":{},"v:\"q\"":{}}}}"#
        )
        try await story.apply("a", #"{"spec":{"size":1,"labels":{"l":"w"},"tags":["q"]}}"#)
        #expect(story.shows(#"{"spec":{"size":1,"labels":{"l":"w"},"tags":["q"]}}"#))
        try await story.apply("a", #"{"spec":{"size":1}}"#)
        #expect(story.shows(#"{"spec":{"size":1}}"#))
    }

    @Test func whatOthersOwnStays() async throws {
        var story = Story()
        try await story.apply("a", #"{"spec":{"size":1,"ports":[{"port":1,"name":"x"},{"port":2}]}}"#)
        try await story.apply("b", #"{"spec":{"size":1,"ports":[{"port":2}]}}"#)
        try await story.apply("a", #"{"spec":{"name":"n"}}"#)
        #expect(story.shows(#"{"spec":{"size":1,"name":"n","ports":[{"port":2}]}}"#))
        #expect(story.owned("a") == #"{"f:spec":{"f:name":{}}}"#)
        #expect(story.owned("b") == #"{"f:spec":{"f:ports":{"k:{\"port\":2,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}},"f:size":{}}}"#)
    }

    @Test func elementsGoWithWhoeverAppliedThem() async throws {
        var story = Story()
        try await story.apply("a", #"{"spec":{"size":1,"ports":[{"port":1}]}}"#)
        try await story.update("b", #"{"spec":{"size":1,"ports":[{"port":1,"name":"theirs"}]}}"#)
        try await story.apply("a", #"{"spec":{"size":1}}"#)
        // What somebody else has in an element does not keep it.
        #expect(story.shows(#"{"spec":{"size":1}}"#))
        #expect(story.owned("b", .update) == "")
    }

    @Test func conflictsAreNamedByManagerAndField() async throws {
        var story = Story()
        try await story.apply("a", #"{"spec":{"size":1,"name":"x","args":["1"]}}"#)
        try await story.update("b", #"{"spec":{"size":2,"name":"x","args":["1"]}}"#)
        #expect(await story.conflicts("c", #"{"spec":{"size":2,"name":"x"}}"#) == [])
        #expect(await story.conflicts("c", #"{"spec":{"size":3,"name":"y"}}"#) == ["a .spec.name", "b .spec.size"])
        // What an update took is not a's any more, so that applying it again conflicts.
        #expect(await story.conflicts("a", #"{"spec":{"size":1,"name":"x","args":["1"]}}"#) == ["b .spec.size"])
        #expect(await story.conflicts("a", #"{"spec":{"size":2,"name":"z","args":["2"]}}"#) == [])
        try await story.apply("c", #"{"spec":{"size":3,"name":"y"}}"#, force: true)
        #expect(story.owned("a") == #"{"f:spec":{"f:args":{}}}"#)
        #expect(story.owned("b", .update) == "")
        #expect(story.owned("c") == #"{"f:spec":{"f:name":{},"f:size":{}}}"#)
    }

    @Test func refusalsReadAsUpstreamWritesThem() throws {
        let update = ManagedFields.Manager("kubectl", .update, apiVersion: "apps/v1", subresource: "scale")
        let apply = ManagedFields.Manager("other", .apply, apiVersion: "apps/v1", subresource: "")
        let replicas: [PathElement] = [.field("spec"), .field("replicas")]
        let one = FieldConflicts(conflicts: [.init(manager: update, path: replicas)]).error
        #expect(
            one.message
                == "Apply failed with 1 conflict: conflict with \"kubectl\" with subresource \"scale\" using apps/v1: .spec.replicas")
        #expect(one.code == 409)
        #expect(one.details["causes"][0]["reason"] == "FieldManagerConflict")
        #expect(one.details["causes"][0]["field"] == ".spec.replicas")
        let two = FieldConflicts(conflicts: [.init(manager: apply, path: replicas), .init(manager: apply, path: [.field("spec")])]).error
        #expect(two.message == "Apply failed with 2 conflicts: conflicts with \"other\":\n- .spec.replicas\n- .spec")
    }

    @Test func sharedFieldsAreOwnedByAll() async throws {
        var story = Story()
        try await story.apply("a", #"{"spec":{"size":1}}"#)
        try await story.apply("b", #"{"spec":{"size":1}}"#)
        // Applying what is there already is no change, so no time is told.
        #expect(story.managed.entries.first { $0.manager.name == "b" }?.time == nil)
        try await story.apply("a", #"{"spec":{}}"#)
        #expect(story.shows(#"{"spec":{"size":1}}"#))
        try await story.apply("b", #"{"spec":{}}"#)
        #expect(story.shows(#"{"spec":{}}"#))
    }

    @Test func timesChangeWithTheObjectAlone() async throws {
        var story = Story()
        try await story.apply("a", #"{"spec":{"size":1}}"#)
        try await story.apply("a", #"{"spec":{"size":1}}"#)
        #expect(story.managed.entries.map(\.time) == ["2026-01-01T00:00:01Z"])
        try await story.apply("a", #"{"spec":{"size":2}}"#)
        #expect(story.managed.entries.map(\.time) == ["2026-01-01T00:00:03Z"])
    }

    @Test func whatWasThereBeforeTheFirstApplyIsNotLost() async throws {
        var story = Story()
        story.object = ApplySample.json(#"{"apiVersion":"example.com/v1","spec":{"size":1,"name":"x"}}"#)
        try await story.apply("a", #"{"spec":{"size":1}}"#)
        #expect(story.owned("before-first-apply", .update) == #"{"f:spec":{".":{},"f:name":{},"f:size":{}}}"#)
        #expect(await story.conflicts("a", #"{"spec":{"size":2}}"#) == ["before-first-apply .spec.size"])
    }

    @Test func elevenUpdatersBecomeTen() async throws {
        var story = Story()
        for index in 0..<12 {
            let labels = (0...index).map { #""l\#($0)":"v""# }.joined(separator: ",")
            story.clock = min(story.clock, 8)
            try await story.update("m\(index)", #"{"spec":{"labels":{\#(labels)}}}"#)
        }
        #expect(story.managed.entries.count == 10)
        #expect(story.owned("ancient-changes", .update) == #"{"f:spec":{".":{},"f:labels":{".":{},"f:l0":{},"f:l1":{},"f:l2":{}}}}"#)
    }

    @Test func clientSideApplyHandsOver() async throws {
        let last = #"{\"apiVersion\":\"example.com/v1\",\"spec\":{\"name\":\"x\",\"size\":1}}"#
        let annotations = #""metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"\#(last)"}}"#
        var story = Story()
        try await story.update("kubectl-client-side-apply", #"{\#(annotations),"spec":{"size":1,"name":"x"}}"#)
        #expect(await story.conflicts("another", #"{"spec":{"size":2}}"#) == ["kubectl-client-side-apply .spec.size"])
        try await story.apply("kubectl", #"{"spec":{"size":2}}"#)
        #expect(story.object[path: "spec", "size"].int == 2)
        let annotation = story.object[path: "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"]
        #expect(annotation.string == #"{"apiVersion":"example.com/v1","spec":{"size":2}}"# + "\n")
        // What somebody has changed since is theirs.
        try await story.update("editor", #"{\#(annotations),"spec":{"size":9,"name":"x"}}"#)
        #expect(await story.conflicts("kubectl", #"{"spec":{"size":3}}"#) == ["editor .spec.size"])
    }

    @Test func entriesReadAndWrite() throws {
        let list = ApplySample.json(
            #"[{"manager":"b","operation":"Apply","apiVersion":"v1","time":"2026-01-01T00:00:02Z","fieldsType":"FieldsV1","fieldsV1":{"f:a":{}}},{"manager":"a","operation":"Update","apiVersion":"v1","time":"2026-01-01T00:00:01Z","fieldsType":"FieldsV1","fieldsV1":{"f:b":{}},"subresource":"status"}]"#
        )
        let managed = try ManagedFields(list)
        #expect(managed.value == list)
        #expect(try ManagedFields(list, isStored: true).value == list)
        #expect(managed.entries.map { $0.mentions(["f:b", "f:c"]) } == [false, true])
        #expect(try ManagedFields(list, isStored: true).entries.map { $0.mentions(["f:b", "f:c"]) } == [false, true])
        #expect(try ManagedFields(.array(list.elements.reversed())).value == list)
        for broken in [
            #"[{"manager":"b","operation":"Delete","apiVersion":"v1","fieldsType":"FieldsV1"}]"#,
            #"[{"manager":"b","operation":"Apply","fieldsType":"FieldsV1"}]"#, #"[{"manager":"b","operation":"Apply","apiVersion":"v1"}]"#,
            #"[{"operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV2"}]"#,
            #"[{"operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"spec":{}}}]"#,
        ] {
            #expect(throws: (any Error).self, "\(broken)") { try ManagedFields(ApplySample.json(broken)) }
        }
    }

    @Test func atomicNowGranularBefore() throws {
        let set = try ApplySample.set(#"{"f:spec":{"f:selector":{".":{},"f:a":{}},"f:labels":{"f:b":{}},"f:args":{"v:\"x\"":{}}}}"#)
        #expect(
            ApplySample.text(set.reconciled(with: ApplySample.custom))
                == #"{"f:spec":{"f:args":{},"f:labels":{"f:b":{}},"f:selector":{}}}"#)
    }

    @Test func filters() throws {
        let set = try ApplySample.set(
            #"{"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:resources":{"f:limits":{}}}}},"f:status":{"f:x":{}}}"#
        )
        let without = FieldFilter.excluding(FieldSet([[.field("status")], [.field("metadata"), .field("labels")]]))
        #expect(
            ApplySample.text(without.apply(to: set))
                == #"{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:resources":{"f:limits":{}}}}}}"#)
        let only = FieldFilter.including([["spec", "containers", "*", "resources"]])
        #expect(
            ApplySample.text(only.apply(to: set))
                == #"{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:resources":{"f:limits":{}}}}}}"#)
    }
}
