import APIModel
import OrderedCollections
import Testing

/// Strategic merge as kubectl and upstream's server do it: a pod, a patch, and the fields that come out different.
@Suite struct StrategicMergeTests {
    private static let pod =
        #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{"a":"1","b":"2"},"finalizers":["a/x","b/x","c/x"]},"spec":{"containers":[{"name":"web","image":"w","env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":80,"protocol":"UDP"}]},{"name":"log","image":"l"}],"volumes":[{"name":"v","emptyDir":{"medium":"Memory"}},{"name":"w","hostPath":{"path":"/x"}}],"tolerations":[{"key":"k"}],"nodeSelector":{"x":"y"}}}"#

    private func merge(_ patch: String) throws -> Value {
        try Patch.strategic(Sample.value(Self.pod), Sample.value(patch), schema: Sample.resource("v1/pods").schema.schema)
    }

    @Test(arguments: [
        (
            "a new element stands first", #"{"spec":{"containers":[{"name":"new","image":"n"}]}}"#,
            #"{"spec":{"containers":[{"image":"n","name":"new"},{"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"image":"w","name":"web","ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":80,"protocol":"UDP"}]},{"image":"l","name":"log"}]}}"#
        ),
        (
            "a patched element stands first", #"{"spec":{"containers":[{"name":"log","image":"m"}]}}"#,
            #"{"spec":{"containers":[{"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"image":"w","name":"web","ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":80,"protocol":"UDP"}]},{"image":"m","name":"log"}]}}"#
        ),
        (
            "elements in the order asked for",
            #"{"spec":{"$setElementOrder/containers":[{"name":"new"},{"name":"log"},{"name":"web"}],"containers":[{"name":"new","image":"n"}]}}"#,
            #"{"spec":{"containers":[{"image":"n","name":"new"},{"image":"l","name":"log"},{"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"image":"w","name":"web","ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":80,"protocol":"UDP"}]}]}}"#
        ),
        (
            "order alone", #"{"spec":{"$setElementOrder/containers":[{"name":"log"},{"name":"web"}]}}"#,
            #"{"spec":{"containers":[{"image":"l","name":"log"},{"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"image":"w","name":"web","ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":80,"protocol":"UDP"}]}]}}"#
        ),
        (
            "order that leaves some out",
            #"{"spec":{"$setElementOrder/containers":[{"name":"new"},{"name":"web"}],"containers":[{"name":"new","image":"n"}]}}"#,
            #"{"spec":{"containers":[{"image":"n","name":"new"},{"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"image":"w","name":"web","ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":80,"protocol":"UDP"}]},{"image":"l","name":"log"}]}}"#
        ),
        (
            "an element deleted", #"{"spec":{"containers":[{"name":"web","$patch":"delete"}]}}"#,
            #"{"spec":{"containers":[{"image":"l","name":"log"}]}}"#
        ),
        (
            "an element that is not there deleted", #"{"spec":{"containers":[{"name":"nope","$patch":"delete"}]}}"#,
            #"{}"#
        ),
        (
            "an element deleted and one added", #"{"spec":{"containers":[{"name":"web","$patch":"delete"},{"name":"new","image":"n"}]}}"#,
            #"{"spec":{"containers":[{"image":"n","name":"new"},{"image":"l","name":"log"}]}}"#
        ),
        (
            "a list replaced", #"{"spec":{"containers":[{"$patch":"replace"},{"name":"x","image":"y"}]}}"#,
            #"{"spec":{"containers":[{"image":"y","name":"x"}]}}"#
        ),
        (
            "a list emptied", #"{"spec":{"volumes":[{"$patch":"replace"}]}}"#,
            #"{"spec":{"volumes":[]}}"#
        ),
        (
            "an element replaced", #"{"spec":{"containers":[{"name":"web","image":"z","$patch":"replace"}]}}"#,
            #"{"spec":{"containers":[]}}"#
        ),
        (
            "a map replaced", #"{"metadata":{"labels":{"$patch":"replace","z":"9"}}}"#,
            #"{"metadata":{"labels":{"z":"9"}}}"#
        ),
        (
            "a map deleted", #"{"metadata":{"labels":{"$patch":"delete"}}}"#,
            #"{"metadata":{"labels":{}}}"#
        ),
        (
            "values removed from a list", #"{"metadata":{"$deleteFromPrimitiveList/finalizers":["b/x"]}}"#,
            #"{"metadata":{"finalizers":["a/x","c/x"]}}"#
        ),
        (
            "values removed, added and put in order",
            #"{"metadata":{"$deleteFromPrimitiveList/finalizers":["b/x"],"$setElementOrder/finalizers":["d/x","c/x","a/x"],"finalizers":["d/x"]}}"#,
            #"{"metadata":{"finalizers":["d/x","c/x","a/x"]}}"#
        ),
        (
            "values added", #"{"metadata":{"finalizers":["d/x","a/x"]}}"#,
            #"{"metadata":{"finalizers":["d/x","a/x","b/x","c/x"]}}"#
        ),
        (
            "values in the order asked for",
            #"{"metadata":{"$setElementOrder/finalizers":["c/x","d/x","a/x","b/x"],"finalizers":["d/x"]}}"#,
            #"{"metadata":{"finalizers":["c/x","d/x","a/x","b/x"]}}"#
        ),
        (
            "keys retained", #"{"spec":{"volumes":[{"name":"v","$retainKeys":["name","configMap"],"configMap":{"name":"c"}}]}}"#,
            #"{"spec":{"volumes":[{"configMap":{"name":"c"},"name":"v"},{"hostPath":{"path":"/x"},"name":"w"}]}}"#
        ),
        (
            "keys retained of one among others",
            #"{"spec":{"$setElementOrder/volumes":[{"name":"v"},{"name":"w"}],"volumes":[{"name":"v","$retainKeys":["name","secret"],"emptyDir":null,"secret":{"secretName":"s"}}]}}"#,
            #"{"spec":{"volumes":[{"name":"v","secret":{"secretName":"s"}},{"hostPath":{"path":"/x"},"name":"w"}]}}"#
        ),
        (
            "an atomic list replaced", #"{"spec":{"tolerations":[{"key":"z"}]}}"#,
            #"{"spec":{"tolerations":[{"key":"z"}]}}"#
        ),
        (
            "a list inside a list",
            #"{"spec":{"containers":[{"name":"web","env":[{"name":"B","$patch":"delete"},{"name":"C","value":"3"}]}]}}"#,
            #"{"spec":{"containers":[{"env":[{"name":"C","value":"3"},{"name":"A","value":"1"}],"image":"w","name":"web","ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":80,"protocol":"UDP"}]},{"image":"l","name":"log"}]}}"#
        ),
        (
            "a list inside a list in order",
            #"{"spec":{"containers":[{"name":"web","$setElementOrder/env":[{"name":"B"},{"name":"A"}],"env":[{"name":"A","value":"9"}]}]}}"#,
            #"{"spec":{"containers":[{"env":[{"name":"B","value":"2"},{"name":"A","value":"9"}],"image":"w","name":"web","ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":80,"protocol":"UDP"}]},{"image":"l","name":"log"}]}}"#
        ),
        (
            "elements that share their merge key",
            #"{"spec":{"containers":[{"name":"web","ports":[{"containerPort":80,"protocol":"UDP","name":"u"}]}]}}"#,
            #"{"spec":{"containers":[{"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"image":"w","name":"web","ports":[{"containerPort":80,"name":"u","protocol":"UDP"},{"containerPort":80,"protocol":"UDP"}]},{"image":"l","name":"log"}]}}"#
        ),
        (
            "a port added", #"{"spec":{"containers":[{"name":"web","ports":[{"containerPort":81}]}]}}"#,
            #"{"spec":{"containers":[{"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"image":"w","name":"web","ports":[{"containerPort":81},{"containerPort":80,"protocol":"TCP"},{"containerPort":80,"protocol":"UDP"}]},{"image":"l","name":"log"}]}}"#
        ),
        (
            "null takes a list away", #"{"spec":{"volumes":null}}"#,
            #"{"spec":{"volumes":null}}"#
        ),
        (
            "null takes a map away", #"{"spec":{"nodeSelector":null}}"#,
            #"{"spec":{"nodeSelector":null}}"#
        ),
        (
            "nulls in new elements", #"{"spec":{"volumes":[{"name":"n","emptyDir":null,"secret":{"secretName":"s","optional":null}}]}}"#,
            #"{"spec":{"volumes":[{"name":"n","secret":{"secretName":"s"}},{"emptyDir":{"medium":"Memory"},"name":"v"},{"hostPath":{"path":"/x"},"name":"w"}]}}"#
        ),
        (
            "an empty patch", #"{}"#,
            #"{}"#
        ),
        (
            "removal from what is not there", #"{"metadata":{"$deleteFromPrimitiveList/nope":["x"]}}"#,
            #"{}"#
        ),
        (
            "a list where a map is", #"{"metadata":{"labels":["a"]}}"#,
            #"{"metadata":{"labels":["a"]}}"#
        ),
        (
            "a map where a list is", #"{"spec":{"containers":{"name":"x"}}}"#,
            #"{"spec":{"containers":{"name":"x"}}}"#
        ),
        (
            "two directives", #"{"spec":{"containers":[{"$patch":"replace"},{"name":"log","$patch":"delete"},{"name":"x","image":"y"}]}}"#,
            #"{"spec":{"containers":[{"image":"y","name":"x"}]}}"#
        ),
        (
            "the same element twice", #"{"spec":{"containers":[{"name":"web","image":"1"},{"name":"web","image":"2"}]}}"#,
            #"{"spec":{"containers":[{"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"image":"2","name":"web","ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":80,"protocol":"UDP"}]},{"image":"l","name":"log"}]}}"#
        ),
    ])
    func merging(what: String, patch: String, changes: String) throws {
        var expected = try Sample.value(Self.pod)
        for (part, fields) in try Sample.value(changes).fields {
            for (name, value) in fields.fields { expected[part][name] = value }
        }
        #expect(try merge(patch) == expected, "\(what)")
    }

    @Test(arguments: [
        (
            "an element merged by name", #"{"spec":{"containers":[{"name":"web","image":"z","$patch":"merge"}]}}"#,
            "merging lists cannot yet be specified in the patch"
        ),
        ("a map merged", #"{"metadata":{"labels":{"$patch":"merge","a":null,"c":"3"}}}"#, "unknown patch type: merge in map"),
        ("no merge key", #"{"spec":{"containers":[{"image":"x"}]}}"#, "does not contain declared merge key: name"),
        ("an unknown directive", #"{"metadata":{"labels":{"$patch":"explode"}}}"#, "unknown patch type: explode in map"),
        (
            "an unknown directive in a list", #"{"spec":{"containers":[{"name":"web","$patch":"explode"}]}}"#,
            "unknown patch type: explode in map"
        ),
        (
            "retained keys that leave out what is given",
            #"{"spec":{"volumes":[{"name":"v","$retainKeys":["name"],"secret":{"secretName":"s"}}]}}"#, "invalid patch format of retainKeys"
        ),
        (
            "an order that leaves out what is patched",
            #"{"spec":{"$setElementOrder/containers":[{"name":"log"}],"containers":[{"name":"web","image":"z"}]}}"#,
            "doesn't match $setElementOrder list"
        ),
        ("an order of what is no list", #"{"spec":{"$setElementOrder/containers":"web"}}"#, "invalid patch format of setElementOrder list"),
    ])
    func refusals(what: String, patch: String, message: String) {
        let error = #expect(throws: APIError.self, "\(what)") { try merge(patch) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }
}
