internal import APIModel
internal import PluginKit
internal import Synchronization

extension FakeRuntime {
    static let imageMethods: [(String, @Sendable (FakeRuntime) -> Handler)] = [
        ("PullImage", { me in { try me.pull($0[path: "image", "image"].string ?? "") } }),
        ("ImageStatus", { me in { me.imageStatus($0[path: "image", "image"].string ?? "") } }),
        ("ListImages", { me in { _ in me.listImages() } }),
        ("RemoveImage", { me in { me.removeImage($0[path: "image", "image"].string ?? "") } }),
        (
            "ImageFsInfo",
            { _ in
                { _ in
                    [
                        "image_filesystems": [
                            [
                                "timestamp": .int(now()), "fs_id": ["mountpoint": "/"], "used_bytes": ["value": 0],
                                "inodes_used": ["value": 0],
                            ]
                        ]
                    ]
                }
            }
        ),
    ]

    private static let size: Int64 = 1 << 20

    private func pull(_ image: String) throws -> Value {
        work(options.pullLatency)
        if options.missingImages.contains(where: image.hasPrefix) {
            throw RuntimeError(
                .notFound, "failed to pull and unpack image \"\(image)\": failed to resolve reference \"\(image)\": \(image): not found")
        }
        state.withLock { $0.images[image] = Self.size }
        return ["image_ref": .string(image)]
    }

    private static func message(_ image: String, _ size: Int64) -> Value {
        ["id": .string(image), "repo_tags": [.string(image)], "size": .int(size), "spec": ["image": .string(image)]]
    }

    private func imageStatus(_ image: String) -> Value {
        guard let size = state.withLock({ $0.images[image] }) else { return [:] }
        return ["image": Self.message(image, size)]
    }

    private func listImages() -> Value {
        let images = state.withLock { $0.images }
        return ["images": .array(images.sorted { $0.key < $1.key }.map(Self.message))]
    }

    private func removeImage(_ image: String) -> Value {
        state.withLock { $0.images[image] = nil }
        return [:]
    }
}
