internal import PluginAPI

// Structures that are lent, with their size filled in.

extension apus_sink {
    init(context: UnsafeMutableRawPointer?, write: @escaping @convention(c) (UnsafeMutableRawPointer?, apus_borrowed) -> Void) {
        self.init(size: UInt32(MemoryLayout<Self>.size), context: context, write: write)
    }
}

extension apus_key {
    init(resource: apus_borrowed, namespace_: apus_borrowed, name: apus_borrowed, uid: apus_borrowed) {
        self.init(size: UInt32(MemoryLayout<Self>.size), resource: resource, namespace_: namespace_, name: name, uid: uid)
    }
}

extension apus_key_sink {
    init(
        context: UnsafeMutableRawPointer?, add: @escaping @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<apus_key>) -> Void
    ) {
        self.init(size: UInt32(MemoryLayout<Self>.size), context: context, add: add)
    }
}

extension apus_reasons {
    init(
        context: UnsafeMutableRawPointer?,
        add: @escaping @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<UInt64>, apus_status, apus_borrowed, Int32) -> Void
    ) {
        self.init(size: UInt32(MemoryLayout<Self>.size), context: context, add: add)
    }
}

extension apus_waiting {
    init(
        context: UnsafeMutableRawPointer?, allow: @escaping @convention(c) (UnsafeMutableRawPointer?, apus_borrowed) -> Void,
        reject: @escaping @convention(c) (UnsafeMutableRawPointer?, apus_borrowed, apus_borrowed) -> Void
    ) {
        self.init(size: UInt32(MemoryLayout<Self>.size), context: context, allow: allow, reject: reject)
    }
}

extension apus_parts {
    init(
        context: UnsafeMutableRawPointer?,
        add: @escaping @convention(c) (UnsafeMutableRawPointer?, apus_borrowed, Int32, UnsafePointer<Int32>) -> Void
    ) {
        self.init(size: UInt32(MemoryLayout<Self>.size), context: context, add: add)
    }
}

extension apus_runtime_events {
    init(
        context: UnsafeMutableRawPointer?,
        changed: @escaping @convention(c) (UnsafeMutableRawPointer?, apus_borrowed, apus_borrowed) -> Void
    ) {
        self.init(size: UInt32(MemoryLayout<Self>.size), context: context, changed: changed)
    }
}

extension apus_stream_events {
    init(
        context: UnsafeMutableRawPointer?, data: @escaping @convention(c) (UnsafeMutableRawPointer?, Int32, apus_borrowed) -> Void,
        ended: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void
    ) {
        self.init(size: UInt32(MemoryLayout<Self>.size), context: context, data: data, ended: ended)
    }
}
