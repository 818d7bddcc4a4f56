import APIModel

/// Tells whether a running container still is what the pod asks for. Only name and image count, so that defaults added by a newer API
/// restart nothing.
enum ContainerHash {
    static func hash(of container: Value) -> String {
        let picked: Value = ["name": container["name"], "image": container["image"]]
        var hash: UInt32 = 2_166_136_261
        for byte in JSON.encode(picked) {
            hash ^= UInt32(byte)
            hash &*= 16_777_619
        }
        return String(hash, radix: 16)
    }
}
