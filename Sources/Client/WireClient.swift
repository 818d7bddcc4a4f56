public import APIModel

/// The API in the words of HTTP: calls become requests with JSON, which a carrier takes to a server.
public struct WireClient: Client {
    private let carrier: any Carrier
    private let user: String
    private let groups: [String]

    /// - Parameters:
    ///   - user: who is impersonated; `""`: nobody.
    public init(_ carrier: any Carrier, impersonating user: String = "", groups: [String] = []) {
        self.carrier = carrier
        self.user = user
        self.groups = groups
    }

    public func impersonating(_ user: String, groups: [String]) -> any Client {
        WireClient(carrier, impersonating: user, groups: groups)
    }

    public func get(_ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?) async throws -> Object {
        try await object("GET", Path(resource, namespace, name, subresource))
    }

    public func create(
        _ resource: GroupVersionResource, namespace: String?, name: String?, subresource: String?, _ object: Value, options: WriteOptions
    )
        async throws -> Object
    {
        try await self.object("POST", Path(resource, namespace, name, subresource, options), JSON.encode(object))
    }

    public func update(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ object: Value, options: WriteOptions
    )
        async throws -> Object
    {
        var object = object
        options.preconditions.put(into: &object)
        return try await self.object("PUT", Path(resource, namespace, name, subresource, options), JSON.encode(object))
    }

    public func patch(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ kind: PatchKind, _ patch: Value,
        options: WriteOptions
    ) async throws -> Object {
        var patch = patch
        if kind != .json { options.preconditions.put(into: &patch) }
        return try await object(
            "PATCH", Path(resource, namespace, name, subresource, options), JSON.encode(patch), contentType: kind.rawValue)
    }

    @discardableResult
    public func delete(_ resource: GroupVersionResource, namespace: String?, name: String, options: Value) async throws -> Object {
        try await object("DELETE", Path(resource, namespace, name, nil), options.isNull ? [] : JSON.encode(options))
    }

    @discardableResult
    public func deleteCollection(_ resource: GroupVersionResource, namespace: String?, selection: ListOptions, options: Value) async throws
        -> ObjectList
    {
        var path = Path(resource, namespace, nil, nil)
        path.add(selection)
        let body = options.isNull ? [] : JSON.encode(options)
        return try Self.objects(
            try await carrier.send(
                "DELETE", path.text, headers: headers(contentType: body.isEmpty ? nil : "application/json"), body: body))
    }

    public func list(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> ObjectList {
        var page = options
        // As client-go's pager: pages of 500 of one state.
        page.limit = options.limit ?? 500
        var list = try await self.page(resource, namespace, page)
        guard options.limit == nil else { return list }
        while !list.continueToken.isEmpty {
            page.continueToken = list.continueToken
            page.resourceVersion = ""
            do {
                let next = try await self.page(resource, namespace, page)
                list = ObjectList(items: list.items + next.items, resourceVersion: next.resourceVersion, continueToken: next.continueToken)
            } catch let error as APIError where error.reason == .expired || error.reason == .gone {
                // The state went out of history meanwhile: take all at once.
                return try await self.page(resource, namespace, options)
            }
        }
        return list
    }

    public func watch(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> WatchStream {
        var path = Path(resource, namespace, nil, nil)
        path.add(options)
        path.add("watch", "true")
        path.add("allowWatchBookmarks", "true")
        // The server ends it after that; at random, so that not all come back at once.
        path.add("timeoutSeconds", "\(Int.random(in: 300..<600))")
        let reader = WatchReader(try await carrier.stream(path.text, headers: headers(contentType: nil)))
        return WatchStream { try await reader.next() }
    }

    /// What stands at a path that is no resource; with a body, what it answers to that.
    public func value(at path: String, posting body: Value? = nil) async throws -> Value {
        let bytes = try await carrier.send(
            body == nil ? "GET" : "POST", path, headers: headers(contentType: body == nil ? nil : "application/json"),
            body: body.map { JSON.encode($0) } ?? [])
        return try Self.decode(bytes)
    }

    private func page(_ resource: GroupVersionResource, _ namespace: String?, _ options: ListOptions) async throws -> ObjectList {
        var path = Path(resource, namespace, nil, nil)
        path.add(options)
        return try Self.objects(try await carrier.send("GET", path.text, headers: headers(contentType: nil), body: []))
    }

    private static func objects(_ bytes: [UInt8]) throws -> ObjectList {
        var list = try decode(bytes)
        let kind = list["kind"].string.map { $0.hasSuffix("List") ? String($0.dropLast(4)) : $0 } ?? ""
        let items = list["items"].elements.map { item in
            guard item["kind"].isNull else { return Object(item) }
            // The items of a list do not say what they are.
            var named = item
            named["apiVersion"] = list["apiVersion"]
            named["kind"] = .string(kind)
            return Object(named)
        }
        list["items"] = .null
        return ObjectList(
            items: items, resourceVersion: list["metadata"]["resourceVersion"].string ?? "",
            continueToken: list["metadata"]["continue"].string ?? "")
    }

    private func object(_ method: String, _ path: Path, _ body: [UInt8] = [], contentType: String = "application/json") async throws
        -> Object
    {
        let bytes = try await carrier.send(method, path.text, headers: headers(contentType: body.isEmpty ? nil : contentType), body: body)
        return Object(bytes: bytes, value: try Self.decode(bytes))
    }

    private func headers(contentType: String?) -> [(name: String, value: String)] {
        var headers = [(name: "Accept", value: "application/json")]
        if let contentType { headers.append(("Content-Type", contentType)) }
        if !user.isEmpty {
            headers.append(("Impersonate-User", user))
            headers += groups.map { ("Impersonate-Group", $0) }
        }
        return headers
    }

    private static func decode(_ bytes: [UInt8]) throws(APIError) -> Value {
        do { return try JSON.decode(bytes) } catch { throw APIError.internalError("the server's answer is not JSON: \(error)") }
    }
}

extension WriteOptions.Preconditions {
    /// Says them in the object's metadata, where a server that is asked over HTTPS looks for them.
    fileprivate func put(into object: inout Value) {
        if let uid { object["metadata"]["uid"] = .string(uid) }
        if let resourceVersion { object["metadata"]["resourceVersion"] = .string(resourceVersion) }
    }
}
