internal import PluginAPI

extension Signatures {
    static let admission = TableDescriptor(
        APUS_ADMISSION, number: 8, size: MemoryLayout<apus_admission>.size,
        [slot("admit", answer: answer), slot("validate", answer: sentence)])

    private static func slot(_ name: String, answer limit: Int) -> SlotDescriptor {
        SlotDescriptor(
            name, [.me, .structure(admissionRequest), .number(bytes: 4, .inOut), .callbacks(admissionNotes), .sink(limit: limit)], .status,
            Tag(.worker, .running), isRequired: false, deadline: .seconds(1))
    }

    static let admissionNotes = Callbacks(
        "apus_admission_notes",
        [
            SlotDescriptor("warn", [.me, .bytes], .void, Tag(.any, .running)),
            SlotDescriptor("annotate", [.me, .bytes, .bytes], .void, Tag(.any, .running)),
        ], life: .call)

    static let admissionRequest = Layout(
        "apus_admission_request", size: MemoryLayout<apus_admission_request>.stride,
        [
            .init(offset: at(\apus_admission_request.resource), target: .bytes),
            .init(offset: at(\apus_admission_request.kind), target: .bytes),
            .init(offset: at(\apus_admission_request.subresource), target: .bytes),
            .init(offset: at(\apus_admission_request.namespace_), target: .bytes),
            .init(offset: at(\apus_admission_request.name), target: .bytes),
            .init(offset: at(\apus_admission_request.user), target: .bytes),
            .init(offset: at(\apus_admission_request.request), target: .bytes),
            .init(offset: at(\apus_admission_request.object), target: .bytes),
            .init(offset: at(\apus_admission_request.old_object), target: .bytes),
            .init(offset: at(\apus_admission_request.namespace_object), target: .bytes),
        ])
}
