import APIModel
import OrderedCollections

/// A ConversionReview on its way to the webhook of a definition and back: some objects of one kind that are wanted in another version.
struct ConversionReview: Sendable {
    /// Why what came back is not what was asked for, as upstream says it.
    struct Problem: Error, CustomStringConvertible { let description: String }

    let objects: [Value]
    let wanted: GroupVersion
    let version: String
    let uid: String

    /// - Parameters:
    ///   - objects: none of them in the wanted version, at least one.
    ///   - versions: of ConversionReview, those that the webhook takes, by preference.
    init(_ objects: [Value], to wanted: GroupVersion, versions: [String], uid: String = UniqueID.make()) throws(Problem) {
        guard let version = versions.first(where: { $0 == "v1" || $0 == "v1beta1" }) else {
            throw Problem(description: "no supported conversion review versions")
        }
        self.objects = objects
        self.wanted = wanted
        self.version = version
        self.uid = uid
    }

    var body: [UInt8] {
        JSON.encode([
            "kind": "ConversionReview", "apiVersion": .string("apiextensions.k8s.io/\(version)"),
            "request": [
                "uid": .string(uid), "desiredAPIVersion": .string(wanted.description), "objects": .array(objects),
            ],
        ])
    }

    private var subject: String {
        "conversion webhook for \(objects[0]["apiVersion"].string ?? ""), Kind=\(objects[0]["kind"].string ?? "")"
    }

    func failed(_ why: some CustomStringConvertible) -> Problem { Problem(description: "\(subject) failed: \(why)") }

    /// The objects in the wanted version, in their order. Of their metadata, only labels and annotations may be other than before.
    func answer(_ body: [UInt8]) throws(Problem) -> [Value] {
        guard let review = try? JSON.decode(body) else { throw failed("the answer is no JSON") }
        let converted = try converted(review)
        guard converted.count == objects.count else {
            throw Problem(description: "\(subject) returned \(converted.count) objects, expected \(objects.count)")
        }
        var result: [Value] = []
        for (index, (before, after)) in zip(objects, converted).enumerated() {
            do throws(Problem) {
                result.append(try checked(after, before, index))
            } catch {
                throw Problem(description: "\(subject) returned \(error)")
            }
        }
        return result
    }

    private func converted(_ review: Value) throws(Problem) -> [Value] {
        let response = review["response"]
        if version == "v1" {
            let (group, kind) = (review["apiVersion"].string ?? "", review["kind"].string ?? "")
            guard group == "apiextensions.k8s.io/v1", kind == "ConversionReview" else {
                throw failed(
                    "expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got \(Self.shown(group)), Kind=\(kind)")
            }
        }
        guard case .object = response else { throw failed("no response provided") }
        if version == "v1" {
            let told = response["uid"].string ?? ""
            guard told == uid else { throw failed("expected response.uid=\(FieldError.quoted(uid)), got \(FieldError.quoted(told))") }
        }
        let result = response["result"]
        let status = result["status"].string ?? ""
        guard status == "Success" else {
            let message = result["message"].string ?? ""
            throw failed(message.isEmpty ? "response.result.status was '\(status)', not 'Success'" : message)
        }
        return response["convertedObjects"].elements
    }

    /// Without a group, its place is empty still.
    private static func shown(_ apiVersion: String) -> String { apiVersion.contains("/") ? apiVersion : "/\(apiVersion)" }

    private func checked(_ after: Value, _ before: Value, _ index: Int) throws(Problem) -> Value {
        func invalid(_ why: String) -> Problem { Problem(description: "invalid converted object at index \(index): \(why)") }
        guard case .object = after else {
            throw invalid("Object 'Kind' is missing in '\(String(decoding: JSON.encode(after), as: UTF8.self))'")
        }
        let version = after["apiVersion"].string ?? ""
        guard version == wanted.description else { throw invalid("invalid groupVersion (expected \(wanted), received \(version))") }
        guard after["kind"] == before["kind"] else {
            throw invalid("invalid kind (expected \(before["kind"].string ?? ""), received \(after["kind"].string ?? ""))")
        }
        for (field, name) in [("name", "name"), ("namespace", "namespace"), ("uid", "UID")] {
            let (was, got) = (before["metadata"][field].string ?? "", after["metadata"][field].string ?? "")
            guard was == got else { throw invalid("must have the same \(name): \(was) != \(got)") }
        }
        var object = after
        do throws(Problem) {
            object["metadata"] = try metadata(after["metadata"], before["metadata"])
        } catch {
            throw Problem(description: "invalid metadata in object at index \(index): \(error)")
        }
        return object
    }

    /// What was there, with the labels and annotations that came back.
    private func metadata(_ after: Value, _ before: Value) throws(Problem) -> Value {
        if after.isNull { throw Problem(description: "missing metadata in converted object") }
        guard case .object = after else { throw Problem(description: "invalid metadata of type \(after.goType) in converted object") }
        var metadata = before
        for field in ["labels", "annotations"] {
            guard !after[field].isNull else {
                metadata[field] = .null
                continue
            }
            guard case .object(let entries) = after[field] else {
                throw Problem(description: "invalid metadata.\(field) of type \(after[field].goType) in converted object")
            }
            for (key, value) in entries where value.string == nil {
                throw Problem(
                    description: "metadata.\(field)[\(key)] must be a string, but is \(value.goType) in converted object")
            }
            metadata[field] = after[field]
        }
        return metadata
    }
}
