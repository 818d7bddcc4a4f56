import APIModel
import HTTPTypes

/// One thing that is done to the cluster, as it is noted before it is done.
struct Operation: Sendable {
    /// An HTTP method, or `PLANT`: an object put into the store past all checks, as an older version, or a damaged disk, may have left it.
    var method: String
    /// Path and query, percent-encoded. Of a plant, the collection and the key.
    var target: String
    var contentType = "application/json"
    var accept = "application/json"
    var body: [UInt8] = []

    static let plant = "PLANT"

    /// One line of the journal.
    var line: [UInt8] {
        JSON.encode([
            "method": .string(method), "target": .string(target), "contentType": .string(contentType), "accept": .string(accept),
            "body": .string(Base64.encode(body)),
        ])
    }

    init(method: String, target: String, contentType: String = "application/json", accept: String = "application/json", body: [UInt8] = [])
    {
        (self.method, self.target, self.contentType, self.accept, self.body) = (method, target, contentType, accept, body)
    }

    init?(line: some Sequence<UInt8>) {
        guard let value = try? JSON.decode(Array(line)), let method = value["method"].string, let target = value["target"].string else {
            return nil
        }
        self.init(
            method: method, target: target, contentType: value["contentType"].string ?? "", accept: value["accept"].string ?? "",
            body: Base64.decode(value["body"].string ?? "") ?? [])
    }

    /// For people.
    var description: String {
        let text = String(validating: body, as: UTF8.self) ?? "base64:" + Base64.encode(body)
        return "\(method) \(target)" + (body.isEmpty ? "" : " (\(contentType)) \(text.prefix(4_000))")
    }
}
